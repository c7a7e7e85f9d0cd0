"""The command line of the probe."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import ConfigValidationError

from tap_crewmojo.clock import Clock
from tap_crewmojo.config.json_schema import Environment
from tap_crewmojo.config.reports import items_of
from tap_crewmojo.config.settings import Settings
from tap_crewmojo.errors import CredentialsError, TokenRequestError
from tap_crewmojo.probe.exchange import Exchange
from tap_crewmojo.probe.result import as_json, as_markdown, result_of
from tap_crewmojo.probe.run import Plan, ProbeEndedError, Run, newest_month
from tap_crewmojo.tap import TapCrewmojo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime

    from tap_crewmojo.windows import Window

_INTERRUPTED = 128 + signal.SIGINT


@click.command(name="tap-crewmojo-probe", context_settings={"max_content_width": 100})
@click.option(
    "--config",
    "given",
    multiple=True,
    required=True,
    callback=TapCrewmojo.cb_config,
    metavar="FILE",
    help="Settings of the tap: a file, or ENV for the variables TAP_CREWMOJO_*. Repeatable.",
)
@click.option(
    "--report",
    metavar="ID",
    help="Report to request, or the name of its stream. By default, the first one in the settings.",
)
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Day whose month is requested. By default, the newest complete month is.",
)
@click.option(
    "--slow",
    is_flag=True,
    help="Also request the report as a job, which takes a minute or more.",
)
@click.option("--headings", is_flag=True, help="Also print the headings of the report.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json"]),
    default="markdown",
    show_default=True,
    help="Form of the result: for people, or for an issue.",
)
def probe(  # noqa: PLR0913  # one parameter for each option
    *,
    given: Any,  # noqa: ANN401  # the SDK's
    report: str | None,
    day: datetime | None,
    slow: bool,
    headings: bool,
    form: str,
) -> None:
    """Find out how Crewmojo's API responds to this account.

    A few requests show which assumptions of the tap hold. The result has the structure of the
    responses only: no cell, no heading without --headings, no token. Before the first request, the
    probe says what it will request.
    """
    clock = Clock.from_environment()
    settings = _settings(given.config, report, clock, reads_variables=given.parse_env)
    # The tap's own handlers are for a sync; Ctrl-C ends the probe with the result so far.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    plan = Plan(settings.reports[0], _window(settings, day.date() if day else None), slow)
    for line in _announcement(plan, settings):
        _say(line)
    version = TapCrewmojo.plugin_version
    exchange = Exchange(settings, clock, f"{TapCrewmojo.name}-probe/{version}")
    run = Run(plan, exchange, settings, clock, _say)
    code = _end_of(run, settings)
    result = result_of(
        run.seen,
        run.failures,
        version=version,
        api=next((str(each) for each in Environment if each.api_url == settings.api_url), "other"),
        shows_headings=headings,
    )
    click.echo(as_json(result) if form == "json" else as_markdown(result))
    sys.exit(code)


def _settings(
    config: Mapping[str, Any], report: str | None, clock: Clock, *, reads_variables: bool
) -> Settings:
    """Return the settings, validated by the tap, with the report to request as the first one.

    Raises:
        ConfigValidationError: the settings are invalid.
    """
    tap = TapCrewmojo(config=dict(config), parse_env_config=reads_variables, setup_mapper=False)
    if report is not None:
        only = {"reports": items_of(tap.config["reports"], report)[:1] or [report]}
        tap = TapCrewmojo(config=dict(tap.config) | only, setup_mapper=False)
    return Settings.from_config(tap.config, clock)


def _window(settings: Settings, day: date | None) -> Window | None:
    """Return the days to request.

    Raises:
        ConfigValidationError: the day is not past.
    """
    if day and day > settings.yesterday:
        msg = f"--date must not be after yesterday ({settings.yesterday})"
        raise ConfigValidationError(msg, errors=[msg])
    return newest_month(settings, day) if settings.reports[0].windowed else None


def _announcement(plan: Plan, settings: Settings) -> Iterator[str]:
    """Yield what will be requested."""
    steps = list(plan.steps())
    yield (
        f"At most {sum(most for _, most in steps)} requests to {settings.api_url}, one at a time"
        f"{', and the polls of jobs' if plan.is_slow else ''}:"
    )
    yield from (f"  {number}. {words}" for number, (words, _) in enumerate(steps, 1))
    yield "Let no other program use this client until the end."


def _end_of(run: Run, settings: Settings) -> int:
    """Take the steps of a run, as far as possible; return the exit code."""
    try:
        run.take_steps()
    except CredentialsError as exc:
        run.failures.append("no access token: Crewmojo refused the client, or cannot be reached")
        _say(f"Error: {exc}")
    except TokenRequestError as exc:
        run.failures.append("no access token: the token request failed")
        _say(
            f"Error: Could not get an access token from {settings.api_url}: {exc}. Check the "
            "network and api_url"
        )
    except ProbeEndedError as exc:
        run.failures.append("the access token was refused with status 401")
        _say(f"Error: {exc}")
    except KeyboardInterrupt:
        run.failures.append("the probe was ended by Ctrl-C")
        return _INTERRUPTED
    return int(bool(run.failures))


def _say(line: str) -> None:
    click.echo(line, err=True)
