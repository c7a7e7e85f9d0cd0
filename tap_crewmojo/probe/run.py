"""The run of the probe: its steps in order, each at most once, and what is seen of each."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from tap_crewmojo.api.endpoint import report_path
from tap_crewmojo.api.http import is_transient
from tap_crewmojo.api.jobs import Poll
from tap_crewmojo.config.reports import ContentType, ReportRequest
from tap_crewmojo.probe.exchange import NotSeenError
from tap_crewmojo.probe.observations import Observations, Step
from tap_crewmojo.progress import counted
from tap_crewmojo.windows import ReportWindow, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_crewmojo.clock import Clock
    from tap_crewmojo.config.reports import ReportConfig
    from tap_crewmojo.config.settings import Settings
    from tap_crewmojo.probe.bodies import Table
    from tap_crewmojo.probe.exchange import Exchange, Seen

UNKNOWN_REPORT: Final = "tap-crewmojo-probe.unknown"
_DAY: Final = timedelta(days=1)
_UNAUTHORIZED: Final = 401
_SERVER_ERROR: Final = 500
_THURSDAY: Final = 3


class ProbeEndedError(Exception):
    """The probe cannot go on. The text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The requests to send.

    Args:
        report: the report to request.
        window: the days to request; none for a report without windows.
        is_slow: whether to request a job, too, and to poll jobs.
    """

    report: ReportConfig
    window: Window | None
    is_slow: bool

    def request(self, content_type: ContentType, *, as_job: bool = False) -> ReportRequest:
        """Return the request for the report."""
        report = replace(self.report, content_type=content_type, force_job=as_job)
        return ReportRequest(report, self.window)

    def of(self, window: Window | None) -> ReportRequest:
        """Return the request for other days as CSV."""
        return replace(self.request(ContentType.CSV), window=window)

    @property
    def day(self) -> date:
        """The day to request alone: a working day that another one follows, if there is one."""
        assert self.window  # noqa: S101  # it is requested for a window only
        day = self.window.end
        while day > self.window.start and (day == self.window.end or day.weekday() > _THURSDAY):
            day -= _DAY
        return day

    def steps(self) -> Iterator[tuple[str, int]]:
        """Yield each step in words, with the largest number of its requests."""
        days = f", {self.window}" if self.window else ""
        yield "an access token, sent as a form; each earlier token of this client ends", 1
        yield f"'{self.report.id}' as CSV{days}", 1
        yield f"'{self.report.id}' as JSON{days}", 1
        if self.window:
            yield f"'{self.report.id}' for {self.day}; without rows, also for the day after it", 3
            yield f"'{self.report.id}' without dates", 1
        yield f"'{UNKNOWN_REPORT}', an unknown report", 1
        if self.is_slow:
            yield f"'{self.report.id}' as a job: it takes 30 s or more, and is polled", 1
            yield "an unknown job", 1


def newest_month(settings: Settings, day: date | None) -> Window:
    """Return the month of a day up to yesterday; without a day, the newest complete month."""
    month = ReportWindow.MONTH
    if day is None:
        day = month.start(settings.yesterday + _DAY) - _DAY
    return Window(month.start(day), min(month.end(day), settings.yesterday))


class Run:
    """Takes the steps of a plan.

    Args:
        plan: the requests to send.
        exchange: sends them.
        settings: the longest time of a job.
        clock: waits between polls.
        log: takes a line about each response.

    Attributes:
        seen: what has been seen so far.
        failures: why some of it could not be seen.
    """

    def __init__(
        self,
        plan: Plan,
        exchange: Exchange,
        settings: Settings,
        clock: Clock,
        log: Callable[[str], object],
    ) -> None:
        self.seen = Observations()
        self.failures: list[str] = []
        self._plan = plan
        self._exchange = exchange
        self._job_timeout = settings.job_timeout
        self._clock = clock
        self._log = log

    def take_steps(self) -> None:
        """Take all steps.

        Raises:
            CredentialsError: no token could be obtained, or TLS cannot be verified.
            TokenRequestError: no token could be obtained.
            ProbeEndedError: the token was refused.
        """
        token = self._exchange.request_token()
        self.seen.note(Step.TOKEN, token)
        self._log_response(Step.TOKEN, token)
        self._exchange.use_token(token)
        for step, content_type in ((Step.CSV, ContentType.CSV), (Step.JSON, ContentType.JSON)):
            self._report(step, self._plan.request(content_type))
            if step in self.seen and not self.seen[step].is_success:
                self.failures.append(f"{step}: status {self.seen[step].status}")
        self._days()
        self._unknown_report()
        if self._plan.is_slow:
            self._job()
        else:
            for step in (Step.ENVELOPE, Step.JOB, Step.UNKNOWN_JOB):
                self.seen.skip(step, "run the probe with --slow")

    def _report(self, step: Step, request: ReportRequest) -> Table | None:
        """Request a report, and poll its job if there is one and the probe may be slow."""
        started = self._clock.monotonic()
        seen = self._post(step, request)
        if seen and seen.job_id is not None:
            self.seen.note(Step.ENVELOPE, seen)
            if self._plan.is_slow:
                seen = self._polled(step, seen.job_id, started)
            else:
                other = ", or choose another month with --date" if request.window else ""
                self._fail(step, f"it became a job: run the probe with --slow{other}")
                seen = None
        if seen is None:
            return None
        self.seen.note(step, seen)
        return seen.table

    def _fail(self, step: Step, reason: str) -> None:
        self.seen.skip(step, reason)
        self.failures.append(f"{step}: {reason}")

    def _days(self) -> None:
        """Request a single day; if it has no rows, find out whether a range has both its ends."""
        if self._plan.window is None:
            for step in (Step.ONE_DAY, Step.NO_DATES):
                self.seen.skip(step, "this report is requested without dates")
            return
        first, after = self._plan.day, self._plan.day + _DAY
        table = self._report(Step.ONE_DAY, self._plan.of(Window(first, first)))
        if table and not table.rows:
            table = self._report(Step.TWO_DAYS, self._plan.of(Window(first, after)))
            if table and table.rows:
                self._report(Step.NEXT_DAY, self._plan.of(Window(after, after)))
        self._report(Step.NO_DATES, self._plan.of(None))

    def _unknown_report(self) -> None:
        request = self._plan.request(ContentType.CSV)
        report = replace(request.report, id=UNKNOWN_REPORT)
        seen = self._post(Step.UNKNOWN_REPORT, replace(request, report=report), is_known=False)
        if seen:
            self.seen.note(Step.UNKNOWN_REPORT, seen)

    def _job(self) -> None:
        """Request the report as a job, poll it, and poll an unknown job."""
        started = self._clock.monotonic()
        seen = self._post(Step.ENVELOPE, self._plan.request(ContentType.JSON, as_job=True))
        if seen:
            self.seen.note(Step.ENVELOPE, seen)
        if not seen or seen.job_id is None:
            for step in (Step.JOB, Step.UNKNOWN_JOB):
                self.seen.skip(step, "the request for a job was not answered with one")
            return
        if report := self._polled(Step.JOB, seen.job_id, started):
            self.seen.job_seconds = self._clock.monotonic() - started
            self.seen.note(Step.JOB, report)
        unknown = re.sub(r"[0-9A-Za-z]", "0", seen.job_id)  # alike, and surely nobody's
        if seen := self._poll(Step.UNKNOWN_JOB, unknown):
            self.seen.note(Step.UNKNOWN_JOB, seen)

    def _polled(self, step: Step, job_id: str, started: float) -> Seen | None:
        """Poll a job until the response is not the job again."""
        for number in itertools.count(1):
            pause = Poll(job_id, number).pause
            if self._clock.monotonic() + pause >= started + self._job_timeout:
                break
            self._clock.sleep(pause)
            seen = self._poll(step, job_id)
            if seen is None or seen.job_id is None:
                return seen
            if step is Step.JOB:
                self.seen.polls.append(seen)
        if step is Step.JOB:
            self.seen.job_seconds = self._job_timeout
        self._fail(step, f"the job was not ready {self._job_timeout} s after it was requested")
        return None

    def _post(self, step: Step, request: ReportRequest, *, is_known: bool = True) -> Seen | None:
        path = report_path(request.report.id)
        return self._looked_at(
            step, lambda: self._exchange.send("POST", path, request.body), is_known=is_known
        )

    def _poll(self, step: Step, job_id: str) -> Seen | None:
        path = report_path(self._plan.report.id, job_id)
        polled = None if step is Step.UNKNOWN_JOB else job_id
        return self._looked_at(
            step,
            lambda: self._exchange.send("GET", path, polled_job=polled),
            is_known=step is not Step.UNKNOWN_JOB,
        )

    def _looked_at(self, step: Step, send: Callable[[], Seen], *, is_known: bool) -> Seen | None:
        try:
            seen = send()
        except NotSeenError as exc:
            self._log(f"{step}: {exc.detail}")
            self._fail(step, str(exc))
            return None
        self._log_response(step, seen)
        if seen.status == _UNAUTHORIZED and is_known:
            msg = (
                f"The token was refused with status 401 ({step}). Another program may have "
                "fetched a token of this client meanwhile, or the client may not read this "
                "report: let nothing else use the client, and run the probe again"
            )
            self.seen.skip(step, "the token was refused")
            raise ProbeEndedError(msg)
        # 500 may be the response to an unknown identifier. The others say nothing of the request.
        if is_transient(seen.status) and (is_known or seen.status != _SERVER_ERROR):
            self._fail(step, f"status {seen.status}, which may pass: run the probe again later")
            return None
        return seen

    def _log_response(self, step: Step, seen: Seen) -> None:
        self.seen.responses.append((step, seen))
        rows = f", {counted(seen.table.rows, 'row')}" if seen.table else ""
        self._log(f"{step}: status {seen.status}{rows}, {seen.seconds:.1f} s")
