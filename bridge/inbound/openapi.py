"""The OpenAPI document of what a process answers over HTTP, made from the code."""

from bridge.inbound.problems import CONTENT_TYPE, OF_WEBHOOKS, Problem

Document = dict[str, object]

_PROBLEM: Document = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_ACCOUNT: Document = {
    "name": "account",
    "in": "path",
    "required": True,
    "description": "The account's name in the settings.",
    "schema": {"type": "string"},
}
_TOKEN: Document = {
    "name": "token",
    "in": "path",
    "required": True,
    "description": "What a sender proves itself with that signs nothing.",
    "schema": {"type": "string"},
}


def openapi() -> Document:
    """Return the OpenAPI 3.1 document, checked in as `schemas/openapi.yaml`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "returns bridge",
            "version": "1",
            "description": "Where platforms and warehouses send their webhooks.",
        },
        "paths": {
            "/hooks/{account}": {
                "parameters": [_ACCOUNT],
                "post": _webhook("receiveWebhook"),
            },
            "/hooks/{account}/{token}": {
                "parameters": [_ACCOUNT, _TOKEN],
                "post": _webhook("receiveUnsignedWebhook"),
            },
            "/healthz": {"get": _health("Tell that the process runs.")},
            "/readyz": {
                "get": _health(
                    "Tell whether the role can do its work.",
                    ("503", "It cannot; the body says why."),
                )
            },
            "/metrics": {"get": _health("Return metrics in Prometheus' format.")},
        },
        "components": {"schemas": {"Problem": _PROBLEM}},
    }


def _webhook(operation: str) -> Document:
    return {
        "operationId": operation,
        "summary": "Keep one webhook.",
        "description": (
            "The body is kept byte for byte, also when it cannot be read. How a sender "
            "proves itself (bearer token, signature, path) is the way of the account's "
            "platform."
        ),
        "requestBody": {
            "required": True,
            "content": {"*/*": {"schema": {}}},
        },
        "responses": {
            "202": {
                "description": (
                    "Every in-sync replica has it. Status and body can be set for "
                    "each account."
                )
            },
            **_refusals(),
        },
    }


def _refusals() -> Document:
    by_status: dict[int, list[Problem]] = {}
    for problem in OF_WEBHOOKS:
        by_status.setdefault(problem.status, []).append(problem)
    return {
        str(status): {
            "description": " ".join(problem.detail for problem in problems),
            "content": {
                CONTENT_TYPE.decode(): {
                    "schema": {
                        "allOf": [
                            {"$ref": "#/components/schemas/Problem"},
                            {
                                "properties": {
                                    "type": {"enum": [each.type for each in problems]}
                                }
                            },
                        ]
                    }
                }
            },
        }
        for status, problems in sorted(by_status.items())
    }


def _health(summary: str, *others: tuple[str, str]) -> Document:
    answers = (("200", "Yes."), *others)
    return {
        "summary": summary,
        "responses": {status: {"description": said} for status, said in answers},
    }
