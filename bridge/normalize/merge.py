"""One snapshot out of what the platform says and what warehouses found. Pure."""

from datetime import datetime

from bridge.canonical.goods import GoodsDocument
from bridge.canonical.model import Kind, Return
from bridge.canonical.states import PROGRESS, State
from bridge.normalize.goods import goods_state
from bridge.normalize.state import document_key


def settle(platform: State | None, found: State | None) -> State:
    """Return the state of a return from the platform's word and the warehouses'.

    The platform's word counts, unless both are on the way of a parcel (`PROGRESS`):
    then the one that is further. Without a platform the warehouses' counts alone.
    """
    if platform is None:
        return found or State.UNKNOWN
    if found is None or platform not in PROGRESS or found not in PROGRESS:
        return platform
    return max(platform, found, key=PROGRESS.index)


def merge(
    view: Return,
    platform: State | None,
    goods: tuple[GoodsDocument, ...],
    observed_at: datetime,
) -> Return:
    """Return `view` with the warehouses' documents in it, by the order of their keys.

    `platform` is the platform's state, None as long as it has not been heard.
    """
    documents = tuple(sorted(goods, key=document_key))
    state = settle(platform, goods_state(documents))
    update = {"state": state, "goods": documents, "observed_at": observed_at}
    return view.model_copy(update=update)


def unannounced(subject: str, observed_at: datetime) -> Return:
    """Return the bare snapshot of a return first heard of from a warehouse."""
    platform, account, native_id = subject.split("/", 2)
    return Return(
        subject=subject,
        platform=platform,
        account=account,
        native_id=native_id,
        kind=Kind.UNANNOUNCED,
        state=State.UNKNOWN,
        observed_at=observed_at,
    )
