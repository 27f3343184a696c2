"""Senders that sign nothing: a token ends the path, and what they say is a hint."""

from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from bridge.inbound.options import InboundOptions
from bridge.inbound.webhooks import Webhooks
from bridge.platforms.contract import Privacy
from bridge.platforms.returngo.options import ReturnGoAccount
from bridge.platforms.returnlogic.options import ReturnLogicAccount
from bridge.streams.records import Outgoing
from bridge.streams.topics import TopicNames
from tests.support.clock import FakeClock

TOKENS = (SecretStr("token-of-the-path"),)
GO = ReturnGoAccount(shop="demo.example", webhook_tokens=TOKENS)
LOGIC = ReturnLogicAccount(webhook_tokens=TOKENS)


class Kept:
    """What was published."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []

    async def publish(self, record: Outgoing, _: timedelta) -> None:
        self.records.append(record)


async def post(path: str, body: bytes) -> tuple[int, list[Outgoing]]:
    kept, privacy = Kept(), Privacy(b"key")
    door = Webhooks(
        {"go": GO.source("go", privacy), "logic": LOGIC.source("logic", privacy)},
        kept.publish,
        topics=TopicNames(),
        options=InboundOptions(),
        clock=FakeClock(),
    )
    transport = httpx.ASGITransport(door)
    async with httpx.AsyncClient(transport=transport, base_url="http://b") as sender:
        answer = await sender.post(path, content=body)
    return answer.status_code, kept.records


@pytest.mark.parametrize(
    "path", ["/hooks/go", "/hooks/go/", "/hooks/go/other", "/hooks/go/a/token"]
)
async def test_without_the_token_nothing_is_kept(path: str) -> None:
    assert await post(path, b'{"rmaId": "1"}') == (401, [])


async def test_a_webhook_with_the_token_becomes_a_hint() -> None:
    status, (record,) = await post("/hooks/go/token-of-the-path", b'{"rmaId": "1"}')

    assert status == 202
    assert (record.topic, record.key) == ("returns.hints", b"returngo/go/1")


async def test_a_command_goes_with_its_hint() -> None:
    body = b'{"action": "ProcessRefund", "rlRmaId": 7, "correlationId": "c1"}'

    _, (record,) = await post("/hooks/logic/token-of-the-path", body)

    assert record.topic == "returns.hints"
    assert ("ce_causationid", b"ProcessRefund:c1") in record.headers


async def test_a_command_without_an_id_is_kept_to_become_a_dead_letter() -> None:
    body = b'{"action": "ProcessRefund", "rlRmaId": 7}'

    _, (record,) = await post("/hooks/logic/token-of-the-path", body)

    assert record.topic == "returns.raw"


async def test_no_record_holds_the_token() -> None:
    for path in ("/hooks/go/token-of-the-path", "/hooks/logic/token-of-the-path"):
        _, (record,) = await post(path, b'{"rmaId": "1", "rlRmaId": 1}')

        assert b"token-of-the-path" not in repr(record).encode()
