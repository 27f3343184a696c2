"""What every process of the bridge does once, before it works."""

import gc


def calm_collector() -> None:
    """Keep the garbage collector from walking all that stays anyway.

    With its defaults letters by the thousand make it a seventh of the deliver stage's
    work. Cycles, as HTTP clients leave them, are collected all the same: with a limit
    of 200,000 for the young ones they took 40 MiB more, and grew for minutes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
