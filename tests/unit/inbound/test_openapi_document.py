"""The OpenAPI document says what the code answers."""

from typing import cast

from bridge.inbound.openapi import openapi
from bridge.inbound.problems import OF_WEBHOOKS


def test_every_problem_of_a_webhook_is_in_the_document() -> None:
    paths = cast("dict[str, dict[str, dict[str, object]]]", openapi()["paths"])
    responses = cast(
        "dict[str, object]", paths["/hooks/{account}"]["post"]["responses"]
    )

    told = repr(responses)

    assert {"202", *(str(each.status) for each in OF_WEBHOOKS)} == set(responses)
    assert all(problem.type in told for problem in OF_WEBHOOKS)


def test_a_problem_s_reason_is_told_once() -> None:
    reasons = [problem.reason for problem in OF_WEBHOOKS]

    assert len(reasons) == len(set(reasons))
