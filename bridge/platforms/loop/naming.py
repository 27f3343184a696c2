"""Where each of Loop's topics keeps the return's id (loop.md, section 2).

Ids come as text or number and are text here. What belongs to no return is a subject
of its own: a gift card without return, a shipment of a Happy Returns hub.
"""

import re

from bridge.platforms.reading import whole_text

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

#: By topic: the field with the return's id. Other topics keep it in `id`.
_RETURN_ID = {
    "label.request": "return_id",
    "giftcard": "return_id",
    "return.processing": "return_id",
    "happy.returns.shipment": "return_id",
}

#: By topic: the field that names the subject where there is no return, and its kind.
_OTHERWISE = {
    "giftcard": ("id", "giftcard"),
    "happy.returns.shipment": ("loop_shipment_id", "shipment"),
}


def topic_of(content: object) -> str | None:
    """Return the topic of a body, None if it has none."""
    topic = content.get("topic") if isinstance(content, dict) else None
    return topic if isinstance(topic, str) else None


def native_id(content: object) -> str | None:
    """Return what the body is about: the return's id, or `<kind>-<id>` without one.

    None where no id stands that fits into a subject.
    """
    if not isinstance(content, dict):
        return None
    topic = topic_of(content) or ""
    given = content.get(_RETURN_ID.get(topic, "id"))
    if given is not None or topic not in _OTHERWISE:
        return as_id(given)
    name, kind = _OTHERWISE[topic]
    other = as_id(content.get(name))
    return other and as_id(f"{kind}-{other}")


def id_field(topic: str | None) -> str:
    """Return the field in which the id is looked for first."""
    return _RETURN_ID.get(topic or "", "id")


def as_id(value: object) -> str | None:
    """Return an id as text, None if it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(whole_text(value))
    return text if _ID.fullmatch(text) else None
