"""What one account's polling leaves in log and metrics."""

from datetime import datetime

from bridge.platforms.contract import (
    Failed,
    Refused,
    Throttled,
    Unauthorized,
)
from bridge.platforms.cursor import Cursor, Lane, Step, Walk, forecast
from bridge.platforms.walk import Expired, Page, PageOutcome
from bridge.telemetry import events, logger, metrics

_WORDS: dict[type[PageOutcome], str] = {
    Page: "page",
    Expired: "expired",
    Failed: "failed",
    Throttled: "throttled",
    Refused: "refused",
    Unauthorized: "unauthorized",
}

log = logger("bridge.inbound.polling")


class Report:
    """One account's polling, told."""

    def __init__(self, account: str) -> None:
        self._account = account

    def called(self, lane: Lane) -> None:
        metrics.POLL_CALLS.labels(self._account, lane).inc()

    def looked_back(self, since: datetime, returns: int) -> None:
        """Tell that known returns are read again, for want of a list."""
        log.warning(
            events.GAP_HINTED, account=self._account, since=since, returns=returns
        )

    def page(self, outcome: PageOutcome) -> None:
        metrics.POLL_PAGES.labels(self._account, _WORDS[type(outcome)]).inc()

    def found(self, lane: Lane, page: Page, written: int) -> None:
        metrics.POLL_FOUND.labels(self._account, lane, "written").inc(written)
        known = len(page.found) - written
        metrics.POLL_FOUND.labels(self._account, lane, "known").inc(known)

    def turned(self, lane: Lane, before: Cursor, after: Cursor, now: datetime) -> None:
        """Tell where the walk stands, and of its end if this was its last page."""
        account, former, walk = self._account, before.walk(lane), after.walk(lane)
        metrics.POLL_PROGRESS.labels(account, lane).set(walk.progress if walk else 0)
        metrics.POLL_FORECAST.labels(account).set(forecast(after, now))
        metrics.POLL_TROUBLED.labels(account).set(0)
        if after.marks:
            age = now + after.skew - min(after.marks.values())
            metrics.POLL_MARK_AGE.labels(account).set(age.total_seconds())
        if former is not None and after.given_up > before.given_up:
            self._stuck(former.steps[0])
        if former is not None and walk is None:
            self._ended(lane, former, now)

    def _ended(self, lane: Lane, walk: Walk, now: datetime) -> None:
        log.info(
            events.POLL_FINISHED,
            account=self._account,
            lane=lane,
            pages=walk.pages + 1,
            ms=round((now - walk.began_at).total_seconds() * 1000),
        )

    def _stuck(self, step: Step) -> None:
        metrics.POLL_STUCK.labels(self._account, step.pass_).inc()
        log.error(
            events.POLL_STUCK,
            account=self._account,
            step=step.pass_,
            since=step.since.isoformat(),
            until=step.until.isoformat(),
        )

    def failed(self, lane: Lane, reason: str) -> None:
        metrics.POLL_TROUBLED.labels(self._account).set(1)
        log.warning(events.POLL_FAILED, account=self._account, lane=lane, reason=reason)

    def too_large(self, subject: str) -> None:
        log.error(events.POLL_TOO_LARGE, account=self._account, subject=subject)
