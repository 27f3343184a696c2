#!/usr/bin/env python3
"""Another team's application: hears of approved returns and of what came back.

    python deploy/examples/consumer.py localhost:9092

It needs the package (`bridge.client`) and the address of a broker, nothing else of
the bridge. Stop it with Ctrl-C and start it again: it goes on where it was.
"""

import asyncio
from typing import Annotated

import typer
from faststream import FastStream
from faststream.kafka import KafkaBroker

from bridge.canonical.event_data import EventData
from bridge.canonical.events import (
    RefundIssued,
    ReturnApproved,
    ReturnCreated,
)
from bridge.canonical.goods_events import GoodsReceived, GoodsRestocked
from bridge.client import Gap, ReadingOptions, Received, ReturnsRouter


def handlers(
    prefix: str = "returns", options: ReadingOptions | None = None
) -> ReturnsRouter:
    """Return what this team wants to hear of.

    A handler is called once for every event, and again only after a crash or when it
    raised: do your work under `event.id`, and doing it twice does no harm.
    """
    # The group's name is yours. Several processes of one group share the work, and
    # all events of one return still come to one of them, in order.
    returns = ReturnsRouter(
        "finance-example", prefix=prefix, options=options, on_gap=missed
    )

    @returns.on(ReturnCreated, ReturnApproved)
    async def announced(event: Received[ReturnCreated | ReturnApproved]) -> None:
        # The return as it stands now is in every event: no look-up needed.
        items = event.data.return_.items
        say(event, ", ".join(f"{item.quantity} of {item.sku}" for item in items))

    @returns.on(GoodsReceived, GoodsRestocked)
    async def came_back(event: Received[GoodsReceived | GoodsRestocked]) -> None:
        # A goods event has the change and the new total of each line.
        for line in event.data.lines:
            say(event, f"{line.sku}: {line.delta} more, {line.total} in all")

    @returns.on(RefundIssued)
    async def refunded(event: Received[RefundIssued]) -> None:
        # Money is decimal text with its currency, never a float.
        money = event.data.refund.amount
        say(event, f"{money.amount} {money.currency}")

    return returns


def say(event: Received[EventData], text: str) -> None:
    """Print one line."""
    typer.echo(f"{event.subject} #{event.sequence} {event.data.name} {text}")


def missed(gap: Gap) -> None:
    """Tell that events never came by; the events themselves go on."""
    typer.echo(f"{gap.subject}: events {gap.first} to {gap.last} were not seen")


def main(
    bootstrap: Annotated[str, typer.Argument(help="HOST:PORT of the broker.")],
    *,
    prefix: Annotated[str, typer.Option(help="Of the topics' names.")] = "returns",
    embedded: Annotated[
        bool, typer.Option("--embedded", help="It is the one inside `dev`.")
    ] = False,
) -> None:
    """Print what happens to returns until stopped."""
    # A real broker's checksums are right; those of the one inside `dev` are not.
    returns = handlers(prefix, ReadingOptions(checksums=not embedded))
    broker = KafkaBroker(bootstrap)
    broker.include_router(returns.router)
    asyncio.run(FastStream(broker).run())


if __name__ == "__main__":
    typer.run(main)
