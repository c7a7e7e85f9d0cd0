"""What the vendor leaves open, or what a test wants otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """How the server behaves.

    Attributes:
        client_id: The one client's id.
        client_secret: Its secret.
        time_scale: Our seconds in one second of the API: 0.01 makes it a hundred times faster.
        poll_hang: A poll hangs up to so many API seconds while its job is not ready. [assumed: up
            to 30; the pages say nothing]
        job_status: The status of a job envelope. [assumed: 200 or 202]
        numeric_job_ids: Whether job ids are numbers. [assumed: either]
        job_answers_csv: Whether what became a job comes as CSV even if JSON was asked for. The
            vendor's page gives a job's answer as CSV only.
        json_envelope: The name under which a JSON report sits in an object. [assumed: none]
    """

    client_id: str = "sandbox"
    client_secret: str = "sandbox-secret"  # noqa: S105  # opens nothing but a sandbox
    time_scale: float = 1.0
    poll_hang: float = 0
    job_status: int = 200
    numeric_job_ids: bool = False
    job_answers_csv: bool = False
    json_envelope: str | None = None
