"""The command line of the sandbox."""

from __future__ import annotations

import errno
import json
import math
import signal
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from shlex import quote
from threading import Event
from typing import TYPE_CHECKING

import click

from tap_crewmojo.sandbox.behaviour import Behaviour
from tap_crewmojo.sandbox.company.company import REPORTS
from tap_crewmojo.sandbox.fault_kinds import KINDS
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator


_ABOUT_FAULTS = (
    "Faults: each --fault is a JSON object with a phase (token, post or poll), a kind, and what "
    "that kind takes. It strikes once, or as often as `times` says, after it has spared as many "
    "requests as `skip` says; `report` and `start` (yyyymmdd) limit it to some requests. The kinds:"
)


def _faults(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> list[Fault]:
    try:
        return [Fault.from_json(text) for text in texts]
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _finite(_context: click.Context, _option: click.Parameter, number: float) -> float:
    if not math.isfinite(number):
        message = f"{number} must be a finite number."
        raise click.BadParameter(message)
    return number


def _writable(_context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    try:
        if path:
            path.open("a").close()
    except OSError as error:
        message = f"The file {path} cannot be written: {(error.strerror or '').lower()}."
        raise click.BadParameter(message) from error
    return path


def _kinds_of_faults() -> str:
    """Explain each kind of fault, with an example."""
    texts = [_ABOUT_FAULTS]
    for name, kind in KINDS.items():
        example = json.dumps({"phase": kind.phase, "kind": name, **kind.example})
        # \b: a terminal's width must not break what is to be pasted.
        texts.append(f"{name}: {kind.does}.")
        texts.append(f"\b\n  --fault {quote(example)}")
    return "\n\n".join(texts)


@click.command(name="tap-crewmojo-sandbox", epilog=_kinds_of_faults())
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8585,
    show_default=True,
    help="Where to listen, on the loopback interface only; 0 takes any free port.",
)
@click.option("--seed", default=1, show_default=True, help="Which company to make up.")
@click.option(
    "--people",
    type=click.IntRange(min=1),
    default=40,
    show_default=True,
    help="How many people work there.",
)
@click.option(
    "--time-scale",
    type=click.FloatRange(0, min_open=True),
    callback=_finite,
    default=1.0,
    show_default=True,
    help="Seconds that a second of the API takes: 0.01 is a hundred times faster.",
)
@click.option("--client-id", default=Behaviour.client_id, show_default=True)
@click.option("--client-secret", default=Behaviour.client_secret, show_default=True)
@click.option(
    "--request-log",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_writable,
    help="A file to append each request to, as a line of JSON.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    callback=_faults,
    metavar="JSON",
    help='Something to go wrong, such as {"phase": "post", "kind": "reset"}; see below.',
)
@click.option(
    "--job-answers-csv",
    is_flag=True,
    help="Answer long-running reports in CSV, even if JSON was asked for.",
)
@click.option(
    "--poll-hang",
    type=click.FloatRange(0),
    callback=_finite,
    default=0.0,
    show_default=True,
    help="Seconds that a poll hangs while its job is not ready.",
)
def serve(  # noqa: PLR0913  # one parameter for each option
    *, port: int, seed: int, people: int, time_scale: float, client_id: str, client_secret: str,
    request_log: Path | None, faults: list[Fault], job_answers_csv: bool, poll_hang: float,
) -> None:  # fmt: skip
    """Serve a local stand-in for the Crewmojo API, with made-up people."""
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    sandbox = Sandbox(
        port=port, seed=seed, people=people, time_scale=time_scale, client_id=client_id,
        client_secret=client_secret, request_log=request_log, job_answers_csv=job_answers_csv,
        poll_hang=poll_hang,
    )  # fmt: skip
    sandbox.faults.add(*faults)
    with ExitStack() as running:
        try:
            running.enter_context(sandbox)
        except OSError as error:
            raise click.ClickException(_unusable(port, error)) from error
        for line in _greeting(sandbox):
            click.echo(line)
        while not stopped.wait(timeout=1):  # Windows wakes a bounded wait only
            pass


def _unusable(port: int, error: OSError) -> str:
    """Say why nothing can listen on a port."""
    in_use = error.errno == errno.EADDRINUSE
    why = "is in use" if in_use else f"cannot be used ({(error.strerror or '').lower()})"
    return f"Port {port} {why}. Choose another with --port; 0 takes any free port."


def _greeting(sandbox: Sandbox) -> Iterator[str]:
    """Say what there is, and how to point the tap at it: all of it can be pasted into a shell."""
    yield "# A sandbox of the Crewmojo API, with made-up people. Its reports:"
    for name, report in REPORTS.items():
        origin = "named in the documentation" if report.documented else "made up"
        slow = report.generation_seconds
        yield f"#   {name} ({origin}{f'; takes {slow:g} s to generate' if slow else ''})"
    yield "# Point the tap at it:"
    reports = [
        {"id": name, "replication_method": "FULL_TABLE"} if report.timeless else name
        for name, report in REPORTS.items()
    ]
    settings = {
        "API_URL": sandbox.api_url,
        "CLIENT_ID": sandbox.client_id,
        "CLIENT_SECRET": sandbox.client_secret,
        "REPORTS": json.dumps(reports),
        "START_DATE": _start_of_last_quarter(datetime.now(tz=UTC).date()).isoformat(),
    }
    if sandbox.time_scale != 1:
        settings["TIME_SCALE"] = f"{sandbox.time_scale:g}"
    for name, value in settings.items():
        yield f"export TAP_CREWMOJO_{name}={quote(value)}"
    yield "# Then: tap-crewmojo --config=ENV"
    yield "# Stop the sandbox with Ctrl-C."


def _start_of_last_quarter(today: date) -> date:
    """Far enough back for every report to have rows."""
    months = today.year * 12 + (today.month - 1) // 3 * 3 - 3
    return date(months // 12, months % 12 + 1, 1)
