"""Memory and time are bounded, whatever arrives."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from support.repository import ROOT
from tap_crewmojo.readers.spool import JobEnvelope, ResponseHead, spool

if TYPE_CHECKING:
    from collections.abc import Callable

BOMBS = ROOT / "tests" / "support" / "bombs.py"


@pytest.mark.parametrize(
    ("limit", "peak", "names"),
    [
        pytest.param(64, 400, ["zeros", "a line", "a JSON text"], id="the limit of a row"),
        pytest.param(2, 150, [], id="a small limit, and all bodies"),
    ],
)
def test_a_body_that_does_not_end_is_refused_before_it_has_arrived(
    limit: int, peak: int, names: list[str]
) -> None:
    run = subprocess.run(
        [sys.executable, BOMBS, str(limit), *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    bodies = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(bodies) > 2
    for name, read, most, message in bodies:
        assert message != "accepted", name
        assert read <= max(2 * limit, 5), name
        assert most <= peak, f"{name}: {most} MiB"


def as_csv(headings: list[str]) -> bytes:
    line = ",".join(headings)
    return f"{line}\n{line}\n".encode()


def as_json(headings: list[str]) -> bytes:
    row = ",".join(f'"{heading}":1' for heading in headings)
    return f"[{{{row}}}]".encode()


@pytest.mark.parametrize("body", [as_csv, as_json])
@pytest.mark.parametrize("equal", [True, False], ids=["equal headings", "distinct headings"])
def test_many_headings_take_time_in_proportion(
    body: Callable[[list[str]], bytes],
    equal: bool,  # noqa: FBT001
) -> None:
    def seconds(number: int) -> float:
        data = body(["a" if equal else f"a{place}" for place in range(number)])
        taken = []
        for _ in range(2):
            started_at = time.process_time()
            report = spool([data], ResponseHead())
            assert not isinstance(report, JobEnvelope)
            assert sum(batch.size for batch in report.batches()) == 1
            taken.append(time.process_time() - started_at)
        return min(taken)

    assert seconds(60_000) / seconds(20_000) < 6, "3, if it is linear, and 9, if it is quadratic"


def test_new_names_in_each_row_take_time_in_proportion() -> None:
    def seconds(number: int) -> float:
        rows = [{"a": 1, f"b{place}": 2} for place in range(number)]
        started_at = time.process_time()
        report = spool([json.dumps(rows).encode()], ResponseHead())
        assert not isinstance(report, JobEnvelope)
        assert sum(batch.size * len(batch.headings) for batch in report.batches()) > number
        return time.process_time() - started_at

    # Four times the rows are sixteen times the cells.
    assert seconds(2_000) / seconds(500) < 40


def test_rows_take_time_in_proportion() -> None:
    def seconds(number: int) -> float:
        rows = b",".join([b'{"a": 1, "b": [{"c": "},{"}], "d": NaN}'] * number)
        started_at = time.process_time()
        spool([b'{"total": 1, "data": [', rows, b"]}"], ResponseHead())
        return time.process_time() - started_at

    assert seconds(100_000) / seconds(25_000) < 10
