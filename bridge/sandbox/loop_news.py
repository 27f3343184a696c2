"""What the simulated Loop tells of its returns: every change as a webhook's body.

Ids are text in one body and numbers in the next, whatever the topic.
"""

from collections.abc import Callable
from datetime import datetime
from itertools import cycle

from bridge.sandbox import loop_bodies, loop_topics
from bridge.sandbox.loop_bodies import Json
from bridge.sandbox.loop_returns import LabelRequest, LoopReturn

#: Takes a webhook: topic, body, and what people call the return.
Tell = Callable[[str, Json, str], None]


class LoopNews:
    """Writes the bodies of one shop and hands them on."""

    def __init__(self, shop: int, tell: Tell) -> None:
        self._shop = shop
        self._tell = tell
        self._forms = cycle((False, True))

    def of_return(self, return_: LoopReturn, trigger: str) -> None:
        body = loop_bodies.webhook(return_, trigger, self._shop, as_text=self._as_text)
        self._tell("return", body, return_.order_name)

    def of_label(self, return_: LoopReturn, trigger: str) -> None:
        body = loop_topics.label(return_, trigger, self._shop, as_text=self._as_text)
        self._tell("label", body, return_.order_name)

    def of_label_request(
        self, return_: LoopReturn, request: LabelRequest, trigger: str
    ) -> None:
        body = loop_topics.label_request(
            return_, request, trigger, shop=self._shop, as_text=self._as_text
        )
        self._tell("label.request", body, return_.order_name)

    def of_gift_card(
        self, number: int, return_: LoopReturn, *, out_of_stock: bool
    ) -> None:
        body = loop_topics.gift_card(
            number, return_, out_of_stock=out_of_stock, as_text=self._as_text
        )
        self._tell("giftcard", body, return_.order_name)

    def of_restock(self, return_: LoopReturn) -> None:
        body = loop_topics.restock(return_, as_text=self._as_text)
        self._tell("restock", body, return_.order_name)

    def of_failure(self, return_: LoopReturn, source: str | None) -> None:
        body = loop_topics.processing_failed(return_, source, as_text=self._as_text)
        self._tell("return.processing", body, return_.order_name)

    def of_hub(self, return_: LoopReturn, shipment: int, at: datetime) -> None:
        body = loop_topics.hub_shipment(shipment, at, as_text=self._as_text)
        self._tell("happy.returns.shipment", body, return_.order_name)

    @property
    def _as_text(self) -> bool:
        return next(self._forms)
