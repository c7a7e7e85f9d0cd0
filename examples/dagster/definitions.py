"""Crewmojo's reports as Dagster assets, each with its own Meltano run and state."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

CONFIG = yaml.safe_load(Path(__file__).with_name("reports.yaml").read_text(encoding="utf-8"))
PROJECT = Path(os.environ.get("MELTANO_PROJECT_ROOT", "."))


@dataclass(frozen=True, slots=True)
class Report:
    """An item of the tap's setting `reports`."""

    setting: str | dict[str, Any]

    @property
    def id(self) -> str:
        """Crewmojo's identifier."""
        return self.setting if isinstance(self.setting, str) else self.setting["id"]

    @property
    def stream(self) -> str:
        """The name of its stream."""
        own = None if isinstance(self.setting, str) else self.setting.get("name")
        return own or re.sub(r"[^a-z0-9]", "_", self.id.lower())

    @property
    def catalog(self) -> Path:
        """The file of its catalog, because Meltano keeps one catalog for all runs of a tap."""
        return PROJECT.resolve() / "catalogs" / f"{self.stream}.json"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that select this report alone."""
        return {"TAP_CREWMOJO_REPORTS": json.dumps([self.setting])}

    def discover(self) -> None:
        """Write its catalog once: tables break where the types change with every sample."""
        command = ["meltano", "invoke", "tap-crewmojo", "--discover"]
        environment = os.environ | self.environment
        found = subprocess.run(
            command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, check=True
        )
        self.catalog.parent.mkdir(exist_ok=True)
        self.catalog.write_bytes(found.stdout)


def asset_of(report: Report) -> dg.AssetsDefinition:
    """Return the asset of a report."""

    @dg.asset(
        key=["crewmojo", report.stream],
        group_name="crewmojo",
        kinds={"meltano"},
        description=f"Crewmojo's report {report.id}",
        # Each new token of a client ends its earlier ones, so its runs must not overlap.
        pool="crewmojo_client",
        retry_policy=dg.RetryPolicy(
            max_retries=CONFIG["retries"],
            delay=CONFIG["retry_delay"],
            backoff=dg.Backoff.EXPONENTIAL,
            jitter=dg.Jitter.PLUS_MINUS,
        ),
    )
    def load(
        context: dg.AssetExecutionContext, meltano: dg.PipesSubprocessClient
    ) -> dg.MaterializeResult[Any]:
        command = ["meltano", "run", f"--state-id-suffix={report.stream}", "tap-crewmojo"]
        catalog = {"TAP_CREWMOJO__CATALOG": str(report.catalog)}
        try:
            if not report.catalog.exists():
                report.discover()
            return meltano.run(
                context=context,
                command=[*command, CONFIG["loader"]],
                env={**report.environment, **catalog},
            ).get_materialize_result()
        except Exception as error:
            text = f"Report {report.id} failed ({error}): see the tap's messages on stderr"
            raise dg.Failure(text) from error

    return load


reports = [asset_of(Report(setting)) for setting in CONFIG["reports"]]
daily = dg.ScheduleDefinition(
    name="crewmojo_daily",
    target=dg.define_asset_job("crewmojo", selection=reports),
    cron_schedule=CONFIG["schedule"],
)
defs = dg.Definitions(
    assets=reports,
    schedules=[daily],
    resources={"meltano": dg.PipesSubprocessClient(cwd=str(PROJECT))},  # it forwards signals
)
