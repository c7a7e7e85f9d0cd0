"""The server of the reports, as the measuring process sees it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Command, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.environments import Environment


@dataclass(frozen=True, slots=True)
class Served:
    """Where the reports are.

    Attributes:
        files: the reports of many rows as plain files.
        immediate: the API's root; its slow reports arrive in the first response.
        jobs: the same in an API where time runs faster, and slow reports become jobs.
        scale: our seconds in one of that API's.
    """

    files: str
    immediate: str
    jobs: str
    scale: float


@contextlib.contextmanager
def served(
    environment_of: Environment, data: Path, seconds: float, slow_seconds: float
) -> Iterator[Served]:
    """Serve the reports while this context lasts.

    Args:
        environment_of: has the sandbox.
        data: the reports of many rows.
        seconds: how long each of the slow reports takes.
        slow_seconds: how long each of those of a nightly run takes.
    """
    argv = [environment_of.python, str(Path(__file__).with_name("serve.py")), str(data)]
    with subprocess.Popen(
        [*argv, str(seconds), str(slow_seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(Command(argv)),
    ) as process:
        assert process.stdin
        assert process.stdout
        yield Served(**json.loads(process.stdout.readline()))
        process.stdin.close()


def token(api_url: str) -> str:
    """Return a token for programs that cannot request one; the token before it ends."""
    grant = {
        "grant_type": "client_credentials",
        "client_id": "sandbox",
        "client_secret": "sandbox-secret",
    }
    request = urllib.request.Request(  # noqa: S310  # our own server
        f"{api_url}/oauth/token",
        json.dumps(grant).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310  # likewise
        granted: dict[str, Any] = json.load(response)
    return str(granted["access_token"])
