"""The DAG of the page about scheduling, read and run by Airflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from uv import find_uv_bin

from support.repository import block

if TYPE_CHECKING:
    from pathlib import Path

AIRFLOW = "apache-airflow==3.3.2"
TIMEOUT = 600  # seconds; most of them go into installing
HARNESS = """
import json, runpy

from airflow.providers.standard.operators.bash import BashOperator

tasks = []
class Seen(BashOperator):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        tasks.append(self)

import airflow.providers.standard.operators.bash as module
module.BashOperator = Seen
runpy.run_path("dag.py")
(task,) = tasks
task.execute({})
dag = task.dag
print(json.dumps([dag.dag_id, dag.schedule, dag.catchup, dag.max_active_runs, task.retries]))
"""


def test_the_dag_runs_one_pipeline_at_a_time(tmp_path: Path) -> None:
    project, programs = tmp_path / "warehouse", tmp_path / "bin"
    for folder in (project, programs):
        folder.mkdir()
    meltano = programs / "meltano"  # tests/e2e/test_readme_commands.py runs the real one
    meltano.write_text('#!/bin/sh\necho "$PWD $*" > called\n', encoding="utf-8")
    meltano.chmod(0o700)
    text = block("config: airflow")
    assert text.count("/path/to/warehouse") == 1
    dag = text.replace("/path/to/warehouse", str(project))
    (tmp_path / "dag.py").write_text(dag, encoding="utf-8")
    (tmp_path / "harness.py").write_text(HARNESS, encoding="utf-8")
    done = subprocess.run(
        [
            *(find_uv_bin(), "run", "--quiet", "--no-project", "--python", sys.executable),
            *("--with", AIRFLOW, "python", "harness.py"),
        ],
        cwd=tmp_path,
        env=os.environ
        | {
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["crewmojo", "15 2 * * *", False, 1, 2]
    called = (project / "called").read_text(encoding="utf-8")
    assert called.split(maxsplit=1) == [str(project), "run tap-crewmojo target-jsonl\n"]
