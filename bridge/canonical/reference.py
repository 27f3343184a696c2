"""The reference a warehouse knows a parcel by, made so that it leads back by itself.

`<platform>.<account>.<native id>-<parcel>`: 1 to 50 characters of `A-Z a-z 0-9 - _ .`
(ShipBob's limit is the lowest found, wms.md section 1). News that echoes it needs no
look-up; a reference that does not decode belongs to nobody we know.
"""

import re

LIMIT = 50
_SHAPE = re.compile(r"([a-z]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_.-]+)-(\d{1,3})")


def subject_of(platform: str, account: str, native_id: str) -> str:
    """Return the subject `platform/account/native-id`."""
    return f"{platform}/{account}/{native_id}"


def reference_of(subject: str, parcel: int) -> str | None:
    """Return the reference of one parcel, or None where the subject cannot make one.

    None means: longer than 50 characters, or a native id with other signs.
    """
    reference = f"{subject.replace('/', '.', 2)}-{parcel}"
    return reference if len(reference) <= LIMIT and parse(reference) else None


def parse(reference: str) -> tuple[str, int] | None:
    """Return (subject, parcel) of a reference of ours, None for any other text."""
    match = _SHAPE.fullmatch(reference)
    if match is None:
        return None
    platform, account, native_id, parcel = match.groups()
    return subject_of(platform, account, native_id), int(parcel)
