"""The watch over an account's webhooks: are they still on?

A platform that switches a webhook off tells nobody. What it switched off is switched
on again, with an alarm, and what was missed since all was last well is looked for:
polled once more, or, where there is no list to poll, read again return by return. What
was never registered is told and left to an operator: `webhooks register`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from bridge.inbound.conversing import converse
from bridge.inbound.polling_calls import AccountCalls
from bridge.inbound.polling_desk import PollDesk, Watched
from bridge.platforms.care import Change, Done
from bridge.platforms.contract import Throttled
from bridge.telemetry import events, logger, metrics

#: How far the gap poll looks back where the webhooks were never seen well.
UNKNOWN = timedelta(days=1)

log = logger(__name__)


async def watch(desk: PollDesk, account: AccountCalls) -> None:
    """Look after the account's webhooks again and again, for ever."""
    watched = desk.cares[account.name]
    while True:
        await _look(desk, account, watched)
        await desk.clock.sleep(desk.watch_every)


async def _look(desk: PollDesk, account: AccountCalls, watched: Watched) -> None:
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
    if off and not await _mend(desk, account, watched, off):
        return
    if account.cursor.gap_since is not None:
        await _look_back(account, account.cursor.gap_since)
    elif not missing:
        _all_well(desk, account)


async def _mend(
    desk: PollDesk, account: AccountCalls, watched: Watched, off: Sequence[Change]
) -> bool:
    """Note the gap, then switch on what was switched off; tell whether all is on."""
    all_on = True
    known = account.cursor.gap_since or account.cursor.well_at
    _note_gap(account, known or desk.clock.now() - UNKNOWN)
    for change in off:
        done = await converse(
            watched.care.mend(change, desk.clock.now()), partial(account.call, "live")
        )
        mended = isinstance(done, Done)
        all_on &= mended
        metrics.WEBHOOKS_SWITCHED_OFF.labels(account.name).inc()
        log.error(
            events.WEBHOOK_SWITCHED_OFF,
            account=account.name,
            events=change.events,
            mended=mended,
        )
    return all_on


async def _look_back(account: AccountCalls, since: datetime) -> None:
    await account.look_back(since)
    _note_gap(account, None)


def _note_gap(account: AccountCalls, since: datetime | None) -> None:
    account.looked_after(account.cursor.model_copy(update={"gap_since": since}))


def _all_well(desk: PollDesk, account: AccountCalls) -> None:
    well = account.cursor.model_copy(update={"well_at": desk.clock.now()})
    account.looked_after(well)
