"""A target that runs with the fake Snowflake cannot reach the real one, nor any other machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from support.targets import SNOWFLAKE, run_target
from support.this_machine_only import BLOCKED

if TYPE_CHECKING:
    from pathlib import Path

AROUND_THE_FAKE = """
from snowflake.connector.connection import SnowflakeConnection
SnowflakeConnection(account="nobody", user="nobody", password="nothing")
"""
BY_ADDRESS = 'import socket; socket.create_connection(("192.0.2.1", 443), timeout=5)'
BY_DATAGRAM = 'import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53))'
LOOPBACK = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
print("connected")
"""


def run_with_the_fake(script: str, folder: Path) -> str:
    """Run a Python script as if it were the target; return what it prints."""
    file = folder / "target.py"
    file.write_text(script, encoding="utf-8")
    file.chmod(0o700)
    return run_target(replace(SNOWFLAKE, executable=str(file)), {}, "", folder)


@pytest.mark.parametrize(
    ("attempt", "event"),
    [
        pytest.param(AROUND_THE_FAKE, "socket.", id="around-the-fake"),
        pytest.param(BY_ADDRESS, "socket.getaddrinfo '192.0.2.1'", id="address"),
        pytest.param(BY_DATAGRAM, "socket.sendto '192.0.2.1'", id="datagram"),
    ],
)
def test_a_connection_to_another_machine_ends_the_process(
    attempt: str, event: str, tmp_path: Path
) -> None:
    """At once, not by an exception, which a target may catch."""
    caught = "".join(f"    {line}\n" for line in attempt.strip().splitlines())
    script = f"try:\n{caught}except BaseException: pass\nraise SystemExit('went on')"
    with pytest.raises(RuntimeError, match=rf"ended with {BLOCKED}:\n(.*\n)*Blocked: {event}"):
        run_with_the_fake(script, tmp_path)


def test_this_machine_can_be_reached(tmp_path: Path) -> None:
    assert run_with_the_fake(LOOPBACK, tmp_path) == "connected\n"


def test_the_target_does_not_run_without_the_fake(tmp_path: Path) -> None:
    without = replace(SNOWFLAKE, beside=())
    with pytest.raises(RuntimeError, match="No module named 'fakesnow'") as raised:
        run_target(without, {}, "", tmp_path)
    assert "target-snowflake v" not in str(raised.value)
