"""The page about privacy: one column is hashed, another left out."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from support.repository import block
from support.sandboxes import settings_for
from support.tap_runs import run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from tap_crewmojo.sandbox.sandbox import Sandbox

SALT = "not in any file"


def test_one_column_is_hashed_and_another_left_out(company: Sandbox, tmp_path: Path) -> None:
    config = settings_for(company, "oneonone.summary", end_date="2025-01-31")
    catalog = run_tap(config, tmp_path, "--discover").succeeded().catalog
    plain = run_tap(config, tmp_path, catalog=catalog).succeeded().records("oneonone_summary")

    hashed = config | json.loads(block("config: hash a column"))
    hashed["stream_map_config"] = {"salt": SALT}
    records = run_tap(hashed, tmp_path, catalog=catalog).succeeded().records("oneonone_summary")
    assert [row.pop("Email") for row in records] == [
        hashlib.sha256((SALT + row["Email"]).encode()).hexdigest() for row in plain
    ]
    assert without(records, "_sdc_report_datetime") == without(
        plain, "_sdc_report_datetime", "Email"
    )

    entry = json.loads(block("config: deselect a column"))
    metadata = catalog["streams"][0]["metadata"]
    (place,) = [i for i, own in enumerate(metadata) if own["breadcrumb"] == entry["breadcrumb"]]
    assert entry["metadata"].items() >= metadata[place]["metadata"].items()
    metadata[place] = entry
    selected = run_tap(config, tmp_path, catalog=catalog).succeeded().records("oneonone_summary")
    assert without(selected, "_sdc_report_datetime") == without(
        plain, "_sdc_report_datetime", "Email"
    )


def without(records: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Return records without some columns."""
    return [{name: row[name] for name in row if name not in names} for row in records]
