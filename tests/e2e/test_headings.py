"""Headings that stop a target or change there are loaded by every target as identifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.declared_targets import declared
from support.sandboxes import settings_for
from support.stores import store
from support.tap_runs import TIME_SCALE, run_tap
from support.targets import DUCKDB, PIPELINEWISE, POSTGRES, SNOWFLAKE
from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table
from tap_crewmojo.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from support.servers import Servers
    from support.stores import Store
    from support.targets import TargetSpec


NAMES = {
    'Said "yes"': "said_yes",
    "Score %": "score_pct",
    "Größe": "grosse",
    "1:1 ID": "x1_1_id",
    "Order": "order",
}
ROW = ("“so”", "40 %", "M", "7", "first")


@pytest.mark.parametrize(
    ("spec", "stops"),
    [(POSTGRES, False), (PIPELINEWISE, True), (DUCKDB, True), (SNOWFLAKE, True)],
    ids=["postgres", "pipelinewise", "duckdb", "snowflake"],
)
def test_every_heading_is_loaded_as_an_identifier(
    spec: TargetSpec,
    stops: bool,  # noqa: FBT001
    servers: Servers,
    tmp_path: Path,
) -> None:
    target = declared(spec)

    def empty() -> Store:
        return store(target, tmp_path, servers)

    reports = {"quoted": ReportSource(lambda *_: Table(tuple(NAMES), (ROW,)))}
    with Sandbox(time_scale=TIME_SCALE, people=3, reports=reports) as sandbox:
        report = {"id": "quoted", "replication_method": "FULL_TABLE", "primary_keys": ["1:1 ID"]}
        config = settings_for(sandbox, report)
        as_is = run_tap(config, tmp_path).succeeded()
        identifiers = run_tap(config | {"column_names": "identifier"}, tmp_path).succeeded()
    if stops:
        with pytest.raises(RuntimeError, match=r"(?i)yes"):
            empty().load(as_is)
    else:
        taken = empty()
        taken.load(as_is)
        assert taken.types("quoted").keys() >= NAMES.keys()
    loaded = empty()
    loaded.load(identifiers)
    (row,) = loaded.rows("quoted")
    assert [row[target.stored_name(name)] for name in NAMES.values()] == list(ROW)
