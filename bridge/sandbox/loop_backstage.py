"""Behind the simulated Loop: people make returns, carriers scan, habits change.

| call | what |
|---|---|
| POST `/sandbox/returns` | a shopper makes a return: `{"outcome", "units"}` |
| POST `/sandbox/returns/{id}/{happening}` | one of `HAPPENINGS`; `?to=` a status |
| POST `/sandbox/webhooks` | somebody registers a webhook in the admin |
| GET, PATCH `/sandbox/habits` | how webhooks travel (`LoopHabits`) |
| GET, PATCH `/sandbox/switches` | how the shop is set up (`LoopSwitches`) |
| GET, PATCH `/sandbox/temper` | what stands before Loop (`LoopTemper`) |
| GET `/sandbox/tally` | what was sent, lost, refused; how returns stand |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Literal

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bridge.sandbox.backstage import read, tuned, unfit
from bridge.sandbox.loop_desk import Desk, LoopTemper
from bridge.sandbox.loop_returns import LoopExchange, LoopUnit
from bridge.sandbox.loop_shop import LoopShop
from bridge.sandbox.loop_shoppers import invent
from bridge.sandbox.loop_switches import LoopSwitches
from bridge.sandbox.loop_webhooks import LoopHabits, LoopSender, Tally

#: Returns that are made here have numbers of their own.
_FIRST = 50_001


@dataclass(frozen=True, slots=True)
class _Wish:
    outcome: Literal["refund", "credit", "exchange", "upsell"] = "refund"
    units: int = 1


@dataclass(frozen=True, slots=True)
class _Hook:
    topic: str
    trigger: str
    url: str
    status: Literal["active", "inactive"] = "active"


_WISH, _HOOK, _TALLY = TypeAdapter(_Wish), TypeAdapter(_Hook), TypeAdapter(Tally)

Happening = Callable[[LoopShop, int, str], object]


def _fail(shop: LoopShop, id_: int, source: str) -> None:
    """Let automation or a call process the return in vain."""
    shop.failing.add(id_)
    shop.process(id_, source or None)


#: What may happen to a return; the last argument is what `?to=` says.
HAPPENINGS: Mapping[str, Happening] = {
    "label": lambda shop, id_, to: shop.label(id_, to or "new"),
    "flag": lambda shop, id_, _: shop.flag(id_),
    "unflag": lambda shop, id_, _: shop.unflag(id_),
    "cancel": lambda shop, id_, _: shop.cancel(id_),
    "close": lambda shop, id_, _: shop.close_unfulfilled(id_),
    "expire": lambda shop, id_, _: shop.expire(id_),
    "state": lambda shop, id_, to: shop.turn_strange(id_, to or "unheard_of"),
    "process": lambda shop, id_, to: shop.process(id_, to or "admin"),
    "fail": _fail,
    "out-of-stock": lambda shop, id_, _: shop.out_of_stock(id_),
    "hub-scan": lambda shop, id_, _: shop.hub_scan(id_),
}


class LoopBackstage:
    """The routes below `/sandbox`."""

    def __init__(self, desk: Desk, sender: LoopSender, *, seed: int) -> None:
        self._desk = desk
        self._sender = sender
        self._numbers = count(_FIRST)
        # Not security: the run has to be the same for the same seed.
        self._dice = Random(seed)  # noqa: S311
        one = "/sandbox/returns/{id:int}/{happening}"
        change = ["GET", "PATCH"]
        self.routes: list[BaseRoute] = [
            Route("/sandbox/returns", self._make, methods=["POST"]),
            Route(one, self._happen, methods=["POST"]),
            Route("/sandbox/webhooks", self._register, methods=["POST"]),
            Route("/sandbox/habits", self._habits, methods=change),
            Route("/sandbox/switches", self._switches, methods=change),
            Route("/sandbox/temper", self._temper, methods=change),
            Route("/sandbox/tally", self._tally, methods=["GET"]),
        ]

    async def _make(self, request: Request) -> Response:
        wish = read(_WISH, await request.body() or b"{}")
        if wish is None:
            return unfit()
        number, shop = next(self._numbers), self._desk.shop
        return_ = invent(number, self._dice, self._desk.clock)
        unit = return_.units[0]
        return_.units = [_copy(unit, each) for each in range(wish.units)]
        wished = wish.outcome in {"exchange", "upsell"}
        new = LoopExchange(41_000_000 + number, unit.sku, unit.title, 2 * unit.cents)
        return_.outcome, return_.exchanges = wish.outcome, [new] if wished else []
        shop.add(return_)
        return JSONResponse({"id": return_.id}, 201)

    async def _happen(self, request: Request) -> Response:
        id_, name = request.path_params["id"], request.path_params["happening"]
        happening, shop = HAPPENINGS.get(name), self._desk.shop
        if happening is None or shop.find(id_) is None:
            return JSONResponse({"message": "no such return or happening"}, 404)
        happening(shop, id_, request.query_params.get("to", ""))
        return Response(status_code=204)

    async def _register(self, request: Request) -> Response:
        hook = read(_HOOK, await request.body())
        if hook is None:
            return unfit()
        made = self._sender.register(hook.topic, hook.trigger, hook.url, hook.status)
        return JSONResponse({"id": made.id}, 201)

    async def _habits(self, request: Request) -> Response:
        def keep(habits: LoopHabits) -> None:
            self._sender.habits = habits

        return await tuned(request, self._sender.habits, keep)

    async def _switches(self, request: Request) -> Response:
        def keep(switches: LoopSwitches) -> None:
            self._desk.shop.switches = switches

        return await tuned(request, self._desk.shop.switches, keep)

    async def _temper(self, request: Request) -> Response:
        def keep(temper: LoopTemper) -> None:
            self._desk.temper = temper

        return await tuned(request, self._desk.temper, keep)

    async def _tally(self, _: Request) -> Response:
        keys, shop = self._desk.keys, self._desk.shop
        return JSONResponse(
            {
                "webhooks": _TALLY.dump_python(self._sender.tally),
                "refused": keys.refused,
                "most_in_a_minute": keys.most_in_a_minute,
                "returns": {str(each.id): each.state for each in shop.all()},
            }
        )


def _copy(unit: LoopUnit, number: int) -> LoopUnit:
    """Return one more unit of the same order line."""
    return replace(unit, id=unit.id + number)
