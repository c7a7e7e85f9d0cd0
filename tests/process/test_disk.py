"""Temporary files: private, without a name, and what a full disk does."""

from __future__ import annotations

import contextlib
import stat
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from support.processes import (
    SLOW,
    TIMEOUT,
    WAITING,
    Gate,
    Tap,
    assert_clean_end,
    assert_no_traceback,
    months,
    posix,
    windows,
)
from support.sandboxes import DIRECTORY, settings_for
from support.tap_runs import TIME_SCALE, run_tap, tap_command
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_crewmojo.sandbox.company.table import Table


@posix
def test_a_full_temporary_folder_fails_its_window_and_no_other_report(tmp_path: Path) -> None:
    limit = 1 << 20
    big = b"Code,Note\r\n" + b"".join(b"%d,%s\r\n" % (n, b"x" * 1000) for n in range(3 * 1024))
    assert len(big) > 2 * limit

    def rows(start: date | None, end: date | None) -> Table | bytes:
        return big if start == date(2025, 2, 1) else months({})(start, end)

    reports = {"a.big": ReportSource(rows), "b.small": ReportSource(months({}))}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        config = settings_for(sandbox, "a.big", "b.small", end_date="2025-03-31")
        command = tap_command(config, tmp_path)
        with Tap(limited(command, limit), tmp_path) as tap:
            run = tap.ended()
    assert_clean_end(tap, run)
    assert run.returncode == 1
    assert "report 'a.big', 2025-02-01 to 2025-02-28: " in run.stderr
    assert "could not be written to the temporary folder" in run.stderr
    assert run.bookmarks == {"a_big": "2025-01-31", "b_small": "2025-03-31"}
    assert windows(run, "a_big") == ["2025-01-01"]
    assert len(run.records("b_small")) == 60


@posix
def test_a_temporary_folder_without_room_for_parquet_fails_its_window_and_no_other_report(
    tmp_path: Path,
) -> None:
    """A digit a row is small as CSV; as parquet each row takes at least its number."""
    big = b"Code\r\n" + b"7\r\n" * 400_000
    reports = {
        "a.big": ReportSource(lambda *_: big),
        "b.small": ReportSource(months({})),
    }
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        batches = {
            "encoding": {"format": "parquet", "compression": "none"},
            "storage": {"root": f"file://{tmp_path}/batches"},
        }
        config = settings_for(
            sandbox,
            "a.big",
            "b.small",
            end_date="2025-01-31",
            batch_config=batches,
            job_timeout=600,
            request_timeout=600,
        )
        with Tap(limited(tap_command(config, tmp_path), 2 << 20), tmp_path) as tap:
            run = tap.ended()
    assert run.returncode == 1
    assert (
        "report 'a.big', 2025-01-01 to 2025-01-31: the report could not be written to the "
        "temporary folder (file too large)"
    ) in run.stderr
    assert_no_traceback(run)
    assert run.bookmarks == {"a_big": None, "b_small": "2025-01-31"}
    assert [message["stream"] for message in run.messages if message["type"] == "BATCH"] == [
        "b_small"
    ]
    assert list(tap.temporary.iterdir()) == []


def test_a_batch_that_cannot_be_stored_names_its_folder_and_the_reason(
    company: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    root = f"file://{tmp_path}/file/below"
    batches = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": root},
    }
    run = run_tap(settings_for(company, DIRECTORY, batch_config=batches), tmp_path)
    assert run.returncode == 1
    assert f"The batch files could not be written to {root} (not a directory): check" in run.stderr
    assert_no_traceback(run)


def limited(command: list[str], size: int) -> list[str]:
    """Return a command that may write no file beyond a size: as good as a full disk."""
    words = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (%d, %d)); %s"
    words %= (size, size, "os.execv(sys.argv[1], sys.argv[1:])")
    return [sys.executable, "-c", words, *command]


@posix
def test_a_report_waits_on_disk_without_a_name_and_for_its_user_only(tmp_path: Path) -> None:
    """While January is generated, the sample of February is held."""
    with (
        Gate(date(2025, 1, 1)) as gate,
        Sandbox(
            time_scale=TIME_SCALE, people=3, reports={"x.y": ReportSource(gate.rows)}
        ) as sandbox,
        gate,
        Tap(tap_command(settings_for(sandbox, "x.y", **WAITING), tmp_path), tmp_path, SLOW) as tap,
    ):
        assert gate.reached.wait(TIMEOUT)
        assert list(tap.temporary.iterdir()) == []
        if sys.platform == "linux":
            held = list(spools(tap))
            assert held
            for opened in held:
                assert str(opened.readlink()).endswith(" (deleted)")
                assert stat.S_IMODE(opened.stat().st_mode) == 0o600
            assert any(b"02-19,x" in opened.read_bytes() for opened in held)
        gate.opened.set()
        run = tap.ended().succeeded()
        assert len(run.records("x_y")) == 60
        assert list(tap.temporary.iterdir()) == []


def spools(tap: Tap) -> Iterator[Path]:
    """Yield what the tap has open in its temporary folder, as Linux shows it."""
    for opened in Path(f"/proc/{tap.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a connection that was closed just now
            if str(opened.readlink()).startswith(f"{tap.temporary}/"):
                yield opened
