"""A probe made of a delivery that reads first: it ends before the first write."""

from bridge.platforms.contract import NOT_APPLIED, Conversation, Outcome

_READING = frozenset({"GET", "HEAD"})


def until_write(delivery: Conversation) -> Conversation:
    """Hold `delivery` as long as it only reads.

    It comes to the outcome that it comes to without a write, else to `NOT_APPLIED`.
    """
    try:
        request = next(delivery)
        while request.method in _READING:
            response = yield request
            request = delivery.send(response)
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome
    finally:
        delivery.close()
    return NOT_APPLIED
