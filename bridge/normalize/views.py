"""How a platform's bodies are put together where each says only a part. Pure.

A platform may tell the same return in several documents that each leave something out
(Loop: webhook, list, details, label). A field of the return is what the greatest
version among the documents that speak of it said, whatever the order of arrival. A
parcel is joined: where it is comes from the newest word on it; what never changes
about it (its lines, its label) is collected from all words. No parcel is forgotten.

Not here: documents that say all (`bridge/normalize/fold.py`) and warehouses' news.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.canonical.model import Return, Shipment, ShipmentState
from bridge.canonical.states import State
from bridge.normalize.merge import unannounced
from bridge.normalize.state import Said, SubjectState
from bridge.platforms.contract import Observation, PlatformView, Version

#: A parcel moves a return that only waits for it, and no other.
_WAITING = frozenset({State.REQUESTED, State.APPROVED})
_ON_THE_WAY = frozenset({ShipmentState.IN_TRANSIT, ShipmentState.DELIVERED})


@dataclass(frozen=True, slots=True)
class Taken:
    """The platform's view after a document, and what the state learns from it."""

    view: Return
    state: State | None
    learned: dict[str, object]


def take(
    state: SubjectState, reading: PlatformView, observed_at: datetime
) -> Taken | None:
    """Return the view with what is newer in `reading`; None where nothing is."""
    known = state.return_ or unannounced(state.subject, observed_at)
    newer = _newer(_versions(state), reading.says or {})
    parcels = _Parcels(known.shipments, state.parcels)
    for shipment in reading.view.shipments:
        parcels.add(shipment, reading.parcels[shipment.key])
    if not newer and not parcels.changed:
        return None
    said = {name: getattr(reading.view, name) for name in newer}
    stated = reading.view.state if "state" in newer else state.stated
    moved = carried(stated, parcels.shipments)
    return Taken(
        known.model_copy(update={**said, "shipments": parcels.shipments}),
        moved,
        {
            "said": _grouped(_versions(state) | newer),
            "parcels": parcels.versions,
            "stated": stated,
            "platform_state": moved,
        },
    )


def is_news(known: Version | None, observation: Observation, version: Version) -> bool:
    """Tell whether a whole view is newer; one read once more says nothing new."""
    if known is None:
        return True
    same = (version.stamp, version.content) == (known.stamp, known.content)
    return version > known and not (same and observation.channel != "webhook")


def carried(stated: State | None, shipments: Iterable[Shipment]) -> State | None:
    """Return the platform's state, moved on by its parcels if it waits for them.

    Delivered means every parcel that set out has arrived. A return under review or
    at its end stays there.
    """
    going = [parcel.state for parcel in shipments if parcel.state in _ON_THE_WAY]
    if stated not in _WAITING or not going:
        return stated
    arrived = all(state is ShipmentState.DELIVERED for state in going)
    return State.DELIVERED if arrived else State.IN_TRANSIT


def _versions(state: SubjectState) -> dict[str, Version]:
    return {name: said.version for said in state.said for name in said.fields}


def _newer(
    known: Mapping[str, Version], says: Mapping[str, Version]
) -> dict[str, Version]:
    return {
        name: version
        for name, version in says.items()
        if name not in known or version > known[name]
    }


def _grouped(versions: Mapping[str, Version]) -> tuple[Said, ...]:
    """Write each version once: a document says many fields at one version."""
    groups: dict[Version, list[str]] = {}
    for name, version in sorted(versions.items()):
        groups.setdefault(version, []).append(name)
    return tuple(
        Said(version=version, fields=tuple(groups[version])) for version in groups
    )


class _Parcels:
    """The parcels known so far, by key, in the order of their keys."""

    def __init__(
        self, shipments: Iterable[Shipment], versions: Mapping[str, Version]
    ) -> None:
        self._known = {shipment.key: shipment for shipment in shipments}
        self._before = self._known.copy(), versions
        self.versions = dict(versions)

    @property
    def changed(self) -> bool:
        """Tell whether anything is new, be it only a later time for the same word."""
        return (self._known, self.versions) != self._before

    @property
    def shipments(self) -> tuple[Shipment, ...]:
        return tuple(self._known[key] for key in sorted(self._known))

    def add(self, shipment: Shipment, version: Version) -> None:
        """Join one word on a parcel in, old or new."""
        key = shipment.key
        known = self._known.get(key)
        if known is None:
            self._known[key], self.versions[key] = shipment, version
        elif version > self.versions[key]:
            self._known[key], self.versions[key] = _joined(shipment, known), version
        else:
            self._known[key] = _joined(known, shipment)


def _joined(newer: Shipment, older: Shipment) -> Shipment:
    """Return `newer` with what is collected: the same whichever came first."""
    return newer.model_copy(
        update={
            "has_label": newer.has_label or older.has_label,
            "item_ids": tuple(sorted({*newer.item_ids, *older.item_ids})),
            "group": _either(newer.group, older.group),
            "location_id": _either(newer.location_id, older.location_id),
        }
    )


def _either(one: str | None, other: str | None) -> str | None:
    return max(filter(None, (one, other)), default=None)
