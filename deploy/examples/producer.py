#!/usr/bin/env python3
"""A warehouse: reports what came back, as a signed webhook to the bridge's door.

    export WAREHOUSE_REPORT_SECRET=whsec_…
    python deploy/examples/producer.py http://localhost:8080/hooks/my-warehouse

It sends `wms.return-snapshot/1`: the return as it stands, with running totals. Send it
again and nothing happens twice; lose one and the next one heals it. Without
`--reference` the parcel is one that nobody announced.
"""

import json
import uuid
from datetime import UTC, datetime
from typing import Annotated

import httpx
import typer
from standardwebhooks.webhooks import Webhook

ACCEPTED = 202


def snapshot(parcel: str, reference: str | None, *, counted: int, at: datetime) -> str:
    """Return the body: of one line, `counted` pieces are back and put away."""
    put_away = {"key": "A", "quantity": counted, "disposition": "restock"}
    line = {
        "line_key": "1",
        "sku": "TEE-BLU-M",
        "expected": 2,
        "received": counted,
        "outcomes": [put_away] if counted else [],
    }
    return json.dumps(
        {
            "spec": "wms.return-snapshot/1",
            "wms_return_id": parcel,
            "reference": reference,
            "status": "processing" if counted else "arrived",
            "occurred_at": at.isoformat(),
            "updated_at": at.isoformat(),
            "lines": [line],
        }
    )


def signed(body: str, secret: str, at: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks.

    The id stays the same when you send again: only a 2xx says that the bridge has it.
    """
    message_id = f"report-{uuid.uuid4()}"
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body),
    }


def main(
    url: Annotated[str, typer.Argument(help="The account's door, /hooks/ACCOUNT.")],
    *,
    secret: Annotated[
        str, typer.Option(envvar="WAREHOUSE_REPORT_SECRET", help="whsec_…")
    ],
    reference: Annotated[
        str | None, typer.Option(help="As the bridge announced the parcel.")
    ] = None,
    parcel: Annotated[str, typer.Option(help="Your own id of it.")] = "W-EXAMPLE-1",
) -> None:
    """Report a parcel that arrived, then one piece of it counted and put away."""
    for counted in (0, 1):
        now = datetime.now(UTC)  # noqa: TID251 - a script has no other clock
        body = snapshot(parcel, reference, counted=counted, at=now)
        answer = httpx.post(url, content=body, headers=signed(body, secret, now))
        typer.echo(f"{counted} counted: the bridge answered {answer.status_code}")
        if answer.status_code != ACCEPTED:
            # 401: the secret is another one. 503: come back after Retry-After.
            raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
