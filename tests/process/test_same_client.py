"""Several taps at once with one client: each token that one of them gets ends the others'."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from support.processes import assert_no_traceback
from support.sandboxes import DIRECTORY, settings_for
from support.tap_runs import Run, run_tap, tables
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

TWINS = ({"id": "oneonone.detail", "force_job": True}, "oneonone.summary", DIRECTORY)
TWIN_SCALE = 0.02
"""Slower than in other tests: a request takes its real time, however fast the API's clock runs."""


@pytest.fixture(scope="module")
def lone_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with twin_sandbox() as sandbox:
        (run,) = at_once(1, sandbox, tmp_path_factory.mktemp("alone"))
        assert len(sandbox.tokens) == 1
        return run.succeeded()


def twin_sandbox() -> Sandbox:
    return Sandbox(time_scale=TWIN_SCALE, people=12)


def at_once(number: int, sandbox: Sandbox, folder: Path) -> list[Run]:
    """Run so many taps with the same credentials at the same time."""
    config = settings_for(sandbox, *TWINS, request_timeout=600)
    env = {"TAP_CREWMOJO_TIME_SCALE": str(TWIN_SCALE)}
    folders = [folder / str(n) for n in range(number)]
    for own in folders:
        own.mkdir()
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(lambda own: run_tap(config, own, env=env), folders))


@pytest.mark.parametrize("_again", range(3))
def test_two_runs_with_the_same_credentials_both_get_through(
    _again: int, lone_run: Run, tmp_path: Path
) -> None:
    with twin_sandbox() as sandbox:
        both = at_once(2, sandbox, tmp_path)
        assert len(sandbox.tokens) > 2, "they end each other's"
    for run in both:
        assert tables(run.succeeded()) == tables(lone_run)
        assert run.bookmarks == lone_run.bookmarks


def test_three_runs_with_the_same_credentials_get_through_or_say_why_not(
    lone_run: Run, tmp_path: Path
) -> None:
    with twin_sandbox() as sandbox:
        three = at_once(3, sandbox, tmp_path)
    for run in three:
        assert_no_traceback(run)
        if run.returncode == 0:
            assert tables(run) == tables(lone_run)
            continue
        assert run.returncode == 1
        assert "Another process may be using this client" in run.stderr
        for stream, table in tables(run).items():
            assert table.items() <= tables(lone_run)[stream].items()
