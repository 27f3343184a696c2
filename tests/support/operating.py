"""A target that refuses what it is told to, and commands as an operator runs them."""

import asyncio
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import orjson
import yaml
from aiohttp import web
from pydantic import JsonValue

from bridge.cli.main import main

Document = dict[str, JsonValue]
Refuses = Callable[[str, Document], bool]


def nobody(_reference: str, _document: Document) -> bool:
    """Refuse nothing."""
    return False


class Warehouse:
    """A warehouse's API for expected returns, in memory.

    What it `refuses` is answered with `refusal`.
    """

    def __init__(self) -> None:
        self.refusal = 422
        self.refuses: Refuses = nobody
        self.puts: list[tuple[str, int]] = []
        self.gets = 0
        self._stored: dict[str, Document] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen on a free port; return the base URL."""
        app = web.Application()
        app.router.add_put("/inbound-returns/{reference}", self._put)
        app.router.add_get("/inbound-returns/{reference}", self._get)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _put(self, request: web.Request) -> web.Response:
        reference = request.match_info["reference"]
        document: Document = orjson.loads(await request.read())
        if self.refuses(reference, document):
            problem = {"errors": [{"pointer": "/lines/0"}]}
            return web.json_response(problem, status=self.refusal)
        self._stored[reference] = document
        self.puts.append((reference, cast("int", document["revision"])))
        return web.json_response({}, status=200)

    async def _get(self, request: web.Request) -> web.Response:
        self.gets += 1
        stored = self._stored.get(request.match_info["reference"])
        return web.json_response(stored or {}, status=200 if stored else 404)

    def revisions(self, subject: str) -> list[int]:
        """Return the revisions of a subject's parcel in the order they came."""
        reference = f"{subject.replace('/', '.', 2)}-1"
        return [revision for known, revision in self.puts if known == reference]


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def rows(self) -> list[dict[str, JsonValue]]:
        """Return the JSON objects of stdout.

        A bridge in the same process may have logged between them.
        """
        lines = self.out.splitlines()
        return [orjson.loads(line) for line in lines if line.startswith("{")]


@dataclass(frozen=True, slots=True)
class Operator:
    """Runs commands with one configuration, each in a thread of its own."""

    config: Path
    patches: Iterator[int] = field(default_factory=lambda: iter(range(99)))

    async def says(self, *words: str) -> Said:
        """Run `returns-bridge <words> --config …` and return what it said."""
        return await asyncio.to_thread(
            self._run, [*words, "--config", str(self.config)]
        )

    def _run(self, words: list[str]) -> Said:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(words)
        return Said(code, out.getvalue(), err.getvalue())

    def patch(self, *operations: dict[str, JsonValue]) -> str:
        """Write a patch into a file and return its path."""
        file = self.config.with_name(f"patch-{next(self.patches)}.json")
        file.write_bytes(orjson.dumps(list(operations)))
        return str(file)


def write_config(
    folder: Path,
    bootstrap: str,
    prefix: str,
    url: str,
    *,
    kafka: Mapping[str, JsonValue] | None = None,
    **delivery: object,
) -> Path:
    """Write a configuration with one warehouse as target `wms`; return its path.

    `delivery` are options of the target's delivery, `kafka` how Kafka is reached.
    """
    secret = folder / "secret"
    secret.write_text("whsec_ZGVtby1rZXktZG8tbm90LXVzZS0wMDAx")
    named = {"file": str(secret)}
    document = {
        "kafka": {"bootstrap": bootstrap, **(kafka or {})},
        "topics": {"prefix": prefix, "partitions": 4, "profile": "single-node"},
        "inbound": {"port": 0},
        "state_dir": str(folder / "state"),
        "privacy": {"hash_key": named},
        "deliver": {
            "delivery": {"connect_timeout": "2s", "read_timeout": "2s", **delivery},
            "ownership": {"call_deadline": "3s"},
        },
        "accounts": {
            "dock": {
                "platform": "warehouse",
                "webhook_secrets": [named],
                "announced_by": ["redo/shop"],
                "base_url": url,
                "token": named,
            },
        },
        "targets": {"wms": {"kind": "warehouse.resource", "account": "dock"}},
    }
    config = folder / "bridge.yaml"
    config.write_text(yaml.safe_dump(document))
    return config
