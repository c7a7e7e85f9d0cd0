"""What was seen of jobs, held against the assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tap_crewmojo.probe import words
from tap_crewmojo.probe.bodies import json_document
from tap_crewmojo.probe.evidence import form_of, json_object, names_in, polls_of
from tap_crewmojo.probe.observations import NotTriedError, Step
from tap_crewmojo.progress import counted
from tap_crewmojo.readers.json_members import JOB, plain

if TYPE_CHECKING:
    from tap_crewmojo.probe.evidence import Judged
    from tap_crewmojo.probe.exchange import Seen
    from tap_crewmojo.probe.observations import Observations

_WAIT: Final = range(25, 61)
_SOON: Final = 10
_JOB_SECONDS: Final = 300
_OK: Final = 200
_NO_JOB: Final = "the report came instead of a job"


def job_status(seen: Observations) -> Judged:
    """Judge the status of a job."""
    status = _envelope(seen).status
    return status == _OK, f"status {status}"


def job_fields(seen: Observations) -> Judged:
    """Judge the members of a job's response."""
    envelope = seen[Step.ENVELOPE]
    if not envelope.is_success:
        return False, f"status {envelope.status}"
    if envelope.table:
        return False, _NO_JOB
    document = json_document(envelope.text)
    return isinstance(document, dict) and document.keys() == {"jobId"}, form_of(document)


def job_id_type(seen: Observations) -> Judged:
    """Judge the type of a job's id."""
    document = json_object(_envelope(seen))
    ids = [document[each] for each in document if plain(each) == JOB]
    if not ids:
        msg = "the response names no job"
        raise NotTriedError(msg)
    return isinstance(ids[0], str), words.kind(ids[0])


def job_wait(seen: Observations) -> Judged:
    """Judge how long the request for a job takes."""
    seconds = round(_envelope(seen).seconds)
    return seconds in _WAIT, f"after {seconds} s"


def job_path(seen: Observations) -> Judged:
    """Judge whether a job is where it is polled."""
    polls = seen.polls or [seen[Step.JOB]]
    return polls[0].is_success, f"status {polls[0].status}"


def job_pending(seen: Observations) -> Judged:
    """Judge the responses to the polls of a pending job."""
    polls, envelope = polls_of(seen), seen[Step.ENVELOPE]
    different = [
        poll
        for poll in polls
        if poll.status != envelope.status or names_in(poll) != names_in(envelope)
    ]
    shown = (different or polls)[0]
    form = form_of(json_document(shown.text)) if shown.body else "no body"
    return not different, f"{counted(len(polls), 'poll')}: status {shown.status}, {form}"


def poll_wait(seen: Observations) -> Judged:
    """Judge how long a poll of a pending job takes."""
    quickest = min(poll.seconds for poll in polls_of(seen))
    slowest = max(poll.seconds for poll in polls_of(seen))
    return quickest < _SOON, f"after {quickest:.0f} s to {slowest:.0f} s"


def job_time(seen: Observations) -> Judged:
    """Judge how long a job takes."""
    seconds = seen.job_seconds
    if seconds >= _JOB_SECONDS and Step.JOB not in seen:
        return False, f"not ready {seconds:.0f} s after the request"
    _ = seen.report(Step.JOB)
    return seconds < _JOB_SECONDS, f"{seconds:.0f} s after the request"


def job_type(seen: Observations) -> Judged:
    """Judge the content type of the report of a job that was requested as JSON."""
    media_type = words.media_type(seen.report(Step.JOB).content_type)
    return media_type == "application/json", f"JSON was requested; it is {media_type}"


def _envelope(seen: Observations) -> Seen:
    """Return the response that names a job.

    Raises:
        NotTriedError: there is none.
    """
    envelope = seen.report(Step.ENVELOPE)
    if envelope.table:
        raise NotTriedError(_NO_JOB)
    return envelope
