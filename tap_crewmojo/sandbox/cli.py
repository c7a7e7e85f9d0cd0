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

from tap_crewmojo.sandbox.company.reports import REPORTS
from tap_crewmojo.sandbox.fault_kinds import FAULT_KINDS
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import Sandbox
from tap_crewmojo.sandbox.service import Behaviour
from tap_crewmojo.sandbox.variants import VARIANTS, problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator


_ABOUT_FAULTS = (
    "Faults: each --fault is a JSON object with a phase (token, post or poll), a kind, and the "
    "fields of that kind. It is applied to `times` (1) requests, after the first `skip` (0). "
    "`report` and `start` (yyyymmdd) limit it to requests for that report, or for a range that "
    "starts on that date. The kinds:"
)
_ABOUT_VARIANTS = (
    "Variants: Crewmojo's documentation leaves these points open, and --variant NAME makes the "
    "sandbox respond in the other way. It can be given several times:"
)


def _faults(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> list[Fault]:
    try:
        return [Fault.from_json(text) for text in texts]
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _variants(
    _context: click.Context, _option: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    if problem := problem_of(names):
        raise click.BadParameter(problem)
    return names


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


def _explained() -> str:
    """Return an explanation of each variant, and an example of each kind of fault."""
    texts = [_ABOUT_VARIANTS]
    texts += [f"{name}: {variant.description}." for name, variant in VARIANTS.items()]
    texts.append(_ABOUT_FAULTS)
    for name, kind in FAULT_KINDS.items():
        example = json.dumps({"phase": kind.phase, "kind": name, **kind.example})
        # \b keeps the line whole, whatever the width of the terminal: it can be copied.
        texts.append(f"{name}: {kind.description}.")
        texts.append(f"\b\n  --fault {quote(example)}")
    return "\n\n".join(texts)


@click.command(name="tap-crewmojo-sandbox", epilog=_explained())
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8585,
    show_default=True,
    help="Port on the loopback interface; 0 takes any free port.",
)
@click.option("--seed", default=1, show_default=True, help="Seed of the made-up company.")
@click.option(
    "--people",
    type=click.IntRange(min=1),
    default=40,
    show_default=True,
    help="Number of people in the company.",
)
@click.option(
    "--time-scale",
    type=click.FloatRange(0, min_open=True),
    callback=_finite,
    default=1.0,
    show_default=True,
    help="Real seconds for each second of the API: 0.01 is a hundred times faster.",
)
@click.option(
    "--client-id", default=Behaviour.client_id, show_default=True, help="The only valid client id."
)
@click.option(
    "--client-secret", default=Behaviour.client_secret, show_default=True, help="Its secret."
)
@click.option(
    "--request-log",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_writable,
    help="File to which each request is appended, as a line of JSON.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    callback=_faults,
    metavar="JSON",
    help='Fault to apply, such as {"phase": "post", "kind": "reset"}; see below. Repeatable.',
)
@click.option(
    "--variant",
    "variants",
    type=click.Choice(list(VARIANTS)),
    multiple=True,
    callback=_variants,
    metavar="NAME",
    help="Another reading of Crewmojo's documentation, such as chunked; see below. Repeatable.",
)
def serve(  # noqa: PLR0913  # one parameter for each option
    *, port: int, seed: int, people: int, time_scale: float, client_id: str, client_secret: str,
    request_log: Path | None, faults: list[Fault], variants: tuple[str, ...],
) -> None:  # fmt: skip
    """Serve a local Crewmojo API with made-up people."""
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    sandbox = Sandbox(
        port=port, seed=seed, people=people, time_scale=time_scale, client_id=client_id,
        client_secret=client_secret, request_log=request_log, variants=variants,
    )  # fmt: skip
    sandbox.faults.add(*faults)
    with ExitStack() as stack:
        try:
            stack.enter_context(sandbox)
        except OSError as error:
            raise click.ClickException(_port_error(port, error)) from error
        for line in _greeting(sandbox):
            click.echo(line)
        while not stopped.wait(timeout=1):  # on Windows, a signal ends only a wait with a timeout
            pass


def _port_error(port: int, error: OSError) -> str:
    """Return why the sandbox cannot listen on a port, and what to do."""
    in_use = error.errno == errno.EADDRINUSE
    why = "is in use" if in_use else f"cannot be used ({(error.strerror or '').lower()})"
    return f"Port {port} {why}. Choose another with --port; 0 takes any free port."


def _greeting(sandbox: Sandbox) -> Iterator[str]:
    """Yield the reports and the tap's settings; all lines can be pasted into a shell."""
    yield "# A sandbox of the Crewmojo API is running, with made-up people. Its reports:"
    for name, report in REPORTS.items():
        origin = "documented by Crewmojo" if report.documented else "made up"
        slow = report.generation_seconds
        yield f"#   {name} ({origin}{f'; generated in {slow:g} s' if slow else ''})"
    yield "# Settings for the tap:"
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
    yield "# Run the tap: tap-crewmojo --config=ENV"
    yield "# Stop the sandbox with Ctrl-C."


def _start_of_last_quarter(today: date) -> date:
    """Return a start date that gives every report some rows."""
    months = today.year * 12 + (today.month - 1) // 3 * 3 - 3
    return date(months // 12, months % 12 + 1, 1)
