"""The watch over an account's webhooks: are they still on?

A platform that switches a webhook off tells nobody. What it switched off is switched
on again, with an alarm, and the next walk looks back to when all was last well. What
was never registered is told and left to an operator: `webhooks register`.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from bridge.inbound.conversing import converse
from bridge.inbound.polling_account import AccountPoll
from bridge.inbound.polling_desk import PollDesk, Watched
from bridge.platforms.care import Change, Done
from bridge.platforms.contract import Throttled
from bridge.platforms.windows import rewind
from bridge.telemetry import events, logger, metrics

#: How far the gap poll looks back where the webhooks were never seen well.
UNKNOWN = timedelta(days=1)

log = logger(__name__)


async def watch(desk: PollDesk, account: AccountPoll) -> None:
    """Look after the account's webhooks again and again, for ever."""
    watched = desk.cares[account.name]
    while True:
        await _look(desk, account, watched)
        await desk.clock.sleep(desk.watch_every)


async def _look(desk: PollDesk, account: AccountPoll, watched: Watched) -> None:
    present = await converse(
        watched.care.survey(desk.clock.now()), partial(account.call, "live")
    )
    if not isinstance(present, tuple):
        reason = "throttled" if isinstance(present, Throttled) else present.reason
        log.warning(events.WATCH_FAILED, account=account.name, reason=reason)
        return
    changes = watched.care.changes(present, watched.url)
    missing = [change for change in changes if change.kind == "create"]
    metrics.WEBHOOKS_MISSING.labels(account.name).set(len(missing))
    if missing:
        names = [change.events for change in missing]
        log.error(events.WEBHOOK_MISSING, account=account.name, events=names)
    off = [change for change in changes if change.kind == "activate"]
    if off:
        await _mend(desk, account, watched, off)
    elif not missing:
        _all_well(desk, account)


async def _mend(
    desk: PollDesk, account: AccountPoll, watched: Watched, off: Sequence[Change]
) -> None:
    """Switch on what was switched off, and look back to when all was well."""
    for change in off:
        done = await converse(
            watched.care.mend(change, desk.clock.now()), partial(account.call, "live")
        )
        mended = isinstance(done, Done)
        metrics.WEBHOOKS_SWITCHED_OFF.labels(account.name).inc()
        log.error(
            events.WEBHOOK_SWITCHED_OFF,
            account=account.name,
            events=change.events,
            mended=mended,
        )
    now = desk.clock.now()
    since = account.cursor.well_at or now - UNKNOWN
    account.looked_after(rewind(account.cursor, f"gap-{now.isoformat()}", since))


def _all_well(desk: PollDesk, account: AccountPoll) -> None:
    well = account.cursor.model_copy(update={"well_at": desk.clock.now()})
    account.looked_after(well)
