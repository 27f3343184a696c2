"""What every process of the bridge does once, before it works."""

import gc


def calm_collector() -> None:
    """Keep the garbage collector from walking all that stays anyway.

    Letters and receipts by the thousand made it a seventh of the deliver stage's work
    (W3: 20,000 events in 1.03 s with its defaults, 0.95 s so). Cycles are collected
    all the same, only less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)
