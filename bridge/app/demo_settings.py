"""The settings of `dev`: an account for each simulated platform, and a warehouse."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from bridge.sandbox.sandbox import Wiring
from bridge.sandbox.storefronts import Platform, ShopWiring
from bridge.settings import Settings, build

WAREHOUSE = "demo-dock"
#: librdkafka's mock cluster makes every topic with four partitions.
EMBEDDED_PARTITIONS = 4

Tree = dict[str, object]

_ACCOUNTS: Mapping[Platform, str] = {
    "redo": "demo-shop",
    "loop": "demo-loop",
    "returngo": "demo-returngo",
    "returnlogic": "demo-returnlogic",
}
#: The targets that serve each account: kind by name.
_TARGETS: Mapping[Platform, Mapping[str, str]] = {
    "redo": {"shop": "redo"},
    "loop": {"loop": "loop"},
    "returngo": {"returngo": "returngo", "returngo-fetch": "fetch"},
    "returnlogic": {"returnlogic": "returnlogic", "returnlogic-fetch": "fetch"},
}


#: How often is looked for what no webhook has told.
_POLL: Tree = {
    "every": "5s",
    "sweep_every": "5s",
    "overlap": "30s",
    "settle": "1s",
    "calls_per_minute": 120,
}
_POLLS: Mapping[Platform, Tree] = {
    "returngo": {"calls_per_day": 50_000},
    "returnlogic": {"query": "/rmas?since={since}&page={page}"}
    | {"calls_per_minute": 60},
}
#: Whose webhooks the platform may switch off.
_WATCHED: frozenset[Platform] = frozenset({"returnlogic"})


def account_of(platform: Platform) -> str:
    """Return the name of the demo's account on a platform."""
    return _ACCOUNTS[platform]


def demo_settings(kafka: str, wiring: Wiring, scratch: Path, port: int) -> Settings:
    """Return the settings of a run: its shops and one warehouse, both ways.

    Webhooks come to `port`. What they do not bring, polls bring within seconds.
    """
    environ = {
        "WAREHOUSE_SECRET": wiring.warehouse_secret,
        "REPORT_SECRET": wiring.report_secret,
        "HASH_KEY": wiring.report_secret,
    }
    for platform, shop in wiring.shops.items():
        environ |= {_key(platform): shop.key, _hook(platform): shop.hook_secret}
    tree: Tree = {
        "kafka": {"bootstrap": kafka, "embedded": True},
        "topics": {"partitions": EMBEDDED_PARTITIONS, "profile": "single-node"},
        "inbound": {"port": port},
        "polling": {
            "connect_timeout": "2s",
            "read_timeout": "2s",
            "watch_every": "3s",
            "ownership": {"call_deadline": "3s"},
        },
        "state_dir": str(scratch),
        "privacy": {"hash_key": {"env": "HASH_KEY"}},
        "deliver": {
            "delivery": {"connect_timeout": "2s", "read_timeout": "2s"},
            "ownership": {"call_deadline": "3s"},
        },
        "accounts": _accounts(wiring, port),
        "targets": _targets(wiring),
    }
    return build(tree, environ)


def _accounts(wiring: Wiring, port: int) -> Tree:
    shops: Tree = {
        account_of(platform): {
            **_SHOPS[platform](platform, shop),
            "poll": _POLL | _POLLS.get(platform, {}),
        }
        for platform, shop in wiring.shops.items()
    }
    for platform in _WATCHED & set(wiring.shops):
        name = account_of(platform)
        hook = {"hook_url": f"http://127.0.0.1:{port}/hooks/{name}"}
        shops[name] = cast("Tree", shops[name]) | hook
    known = [f"{platform}/{account_of(platform)}" for platform in wiring.shops]
    warehouse = {
        "platform": "warehouse",
        "webhook_secrets": [{"env": "REPORT_SECRET"}],
        "announced_by": known,
    }
    return {**shops, WAREHOUSE: warehouse}


def _targets(wiring: Wiring) -> Tree:
    dock = {
        "kind": "warehouse.event",
        "account": WAREHOUSE,
        "url": f"{wiring.warehouse_url}/hooks/returns",
        "signing_secrets": [{"env": "WAREHOUSE_SECRET"}],
    }
    targets: Tree = {"dock": dock}
    for platform in wiring.shops:
        account = account_of(platform)
        for name, kind in _TARGETS[platform].items():
            targets[name] = {"kind": kind, "account": account}
    return targets


def _redo(platform: Platform, shop: ShopWiring) -> Tree:
    return {
        "platform": platform,
        "base_url": shop.url,
        "store_id": shop.shop,
        "api_token": {"env": _key(platform)},
        "webhook_tokens": [{"env": _hook(platform)}],
    }


def _loop(platform: Platform, shop: ShopWiring) -> Tree:
    return {
        "platform": platform,
        "host": shop.url,
        "api_key": {"env": _key(platform)},
        "webhook_secrets": [{"env": _hook(platform)}],
    }


def _returngo(platform: Platform, shop: ShopWiring) -> Tree:
    return {
        "platform": platform,
        "base_url": shop.url,
        "shop": shop.shop,
        "api_key": {"env": _key(platform)},
        "webhook_tokens": [{"env": _hook(platform)}],
    }


def _returnlogic(platform: Platform, shop: ShopWiring) -> Tree:
    return {
        "platform": platform,
        "base_url": shop.url,
        "api_key": {"env": _key(platform)},
        "webhook_tokens": [{"env": _hook(platform)}],
    }


_SHOPS: Mapping[Platform, Callable[[Platform, ShopWiring], Tree]] = {
    "redo": _redo,
    "loop": _loop,
    "returngo": _returngo,
    "returnlogic": _returnlogic,
}


def _key(platform: Platform) -> str:
    return f"{platform.upper()}_KEY"


def _hook(platform: Platform) -> str:
    return f"{platform.upper()}_HOOK_SECRET"
