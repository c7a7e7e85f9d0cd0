"""Runs the Dagster example with Dagster's own harness, where Dagster is installed.

Called in a folder that holds the example: `job` runs its job as a deployment would, with a process
for each asset; `materialize` its assets in this one. Prints what happened to each, in order.
"""

from __future__ import annotations

import json
import sys

import dagster as dg

sys.path.insert(0, ".")
from definitions import defs

SHOWN = {
    *("STEP_START", "STEP_RESTARTED", "STEP_UP_FOR_RETRY", "STEP_SUCCESS", "STEP_FAILURE"),
    "ASSET_MATERIALIZATION",
}


def crewmojo() -> dg.JobDefinition:
    return defs.resolve_job_def("crewmojo")


def execute(mode: str, instance: dg.DagsterInstance) -> str:
    """Run the example; return the run's id."""
    if mode == "job":
        job = dg.reconstructable(crewmojo)
        with dg.execute_job(job, instance=instance, raise_on_error=False) as result:
            run_id: str = result.run_id
            return run_id
    result = dg.materialize(
        list(defs.assets), instance=instance, resources=defs.resources, raise_on_error=False
    )
    return str(result.run_id)


def main() -> None:
    dg.Definitions.validate_loadable(defs)
    with dg.DagsterInstance.get() as instance:
        run_id = execute(sys.argv[1], instance)
        events = [entry.dagster_event for entry in instance.all_logs(run_id)]
    happened = [
        (event.step_key, event.event_type_value, failure_of(event))
        for event in events
        if event and event.event_type_value in SHOWN
    ]
    tick = defs.resolve_schedule_def("crewmojo_daily").evaluate_tick(dg.build_schedule_context())
    print(json.dumps({"happened": happened, "runs_a_day": len(tick.run_requests)}))  # noqa: T201


def failure_of(event: dg.DagsterEvent) -> str | None:
    if not event.is_step_failure or not event.step_failure_data.user_failure_data:
        return None
    return str(event.step_failure_data.user_failure_data.description)


if __name__ == "__main__":
    main()
