"""What was seen of jobs, held against the assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tap_crewmojo.probe import words
from tap_crewmojo.probe.bodies import json_document
from tap_crewmojo.probe.evidence import form_of, json_object, names_in, polls_of
from tap_crewmojo.probe.observations import NotTriedError, Step

if TYPE_CHECKING:
    from tap_crewmojo.probe.evidence import Judged
    from tap_crewmojo.probe.observations import Observations

_LEAST_WAIT: Final = 25
_SOON: Final = 10
_JOB_SECONDS: Final = 300


def job_fields(seen: Observations) -> Judged:
    """Judge the members of a job's response."""
    if seen[Step.ENVELOPE].table:
        return False, "the report came instead of a job"
    document = json_document(seen[Step.ENVELOPE].body)
    return isinstance(document, dict) and document.keys() == {"jobId"}, form_of(document)


def job_id_type(seen: Observations) -> Judged:
    """Judge the type of a job's id."""
    document = json_object(seen.report(Step.ENVELOPE))
    ids = [document[each] for each in document if words.plain(each) == "jobid"]
    if not ids:
        msg = "the response names no job"
        raise NotTriedError(msg)
    return isinstance(ids[0], str), words.kind(ids[0])


def job_wait(seen: Observations) -> Judged:
    """Judge how long the request for a job takes."""
    seconds = round(seen.report(Step.ENVELOPE).seconds)
    return seconds >= _LEAST_WAIT, f"after {seconds} s"


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
    form = form_of(json_document(shown.body)) if shown.body else "no body"
    return not different, f"{words.counted(len(polls), 'poll')}: status {shown.status}, {form}"


def poll_wait(seen: Observations) -> Judged:
    """Judge how long a poll of a pending job takes."""
    quickest = min(poll.seconds for poll in polls_of(seen))
    slowest = max(poll.seconds for poll in polls_of(seen))
    return quickest < _SOON, f"after {quickest:.0f} s to {slowest:.0f} s"


def job_time(seen: Observations) -> Judged:
    """Judge how long a job takes."""
    if Step.JOB not in seen and seen.polls:
        return False, "it was not ready when the probe stopped polling"
    _ = seen.report(Step.JOB)
    return seen.job_seconds < _JOB_SECONDS, f"{seen.job_seconds:.0f} s after the request"


def job_type(seen: Observations) -> Judged:
    """Judge the content type of the report of a job that was requested as JSON."""
    media_type = words.media_type(seen.report(Step.JOB).content_type)
    return media_type == "application/json", f"JSON was requested; it is {media_type}"
