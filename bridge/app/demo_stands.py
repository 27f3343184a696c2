"""How the returns of a demo stand in the bridge, beside how they stand elsewhere."""

from bridge.app.demo_settings import account_of
from bridge.app.snapshots import snapshots
from bridge.canonical.reference import subject_of
from bridge.sandbox.dev import Stands
from bridge.settings import Settings


async def behind(settings: Settings, stands: Stands) -> list[str]:
    """Return the subjects whose snapshot has not the state that `stands` tells."""
    known = await snapshots(settings, "", lambda snapshot: snapshot.model.state_raw)
    wanted = {
        subject_of(platform, account_of(platform), id_): state
        for platform, returns in stands.items()
        for id_, state in returns.items()
    }
    return [name for name, state in wanted.items() if known.get(name) != state]
