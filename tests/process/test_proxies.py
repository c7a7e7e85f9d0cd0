"""Redirects, proxies and netrc: credentials go to the server of the settings alone."""

from __future__ import annotations

import http.server
import threading
from typing import TYPE_CHECKING, Any

import pytest

from support.processes import assert_no_traceback
from support.sandboxes import DIRECTORY, settings_for
from support.tap_runs import run_tap
from tap_crewmojo.sandbox.faults import Fault
from tap_crewmojo.sandbox.sandbox import HOST, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("phase", ["token", "post", "poll"])
def test_a_redirect_is_refused_and_its_destination_sees_nothing(
    phase: Any,  # noqa: ANN401  # one of the words that a fault takes
    status: int,
    company: Sandbox,
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    seen = len(company.requests)
    there = f"{company.api_url}/{'oauth/token' if phase == 'token' else 'integrations/download/x'}"
    sandbox.faults.add(Fault(phase=phase, kind="redirect", status=status, body=there, times=99))
    config = settings_for(sandbox, DIRECTORY, force_job=phase == "poll")
    run = run_tap(config, tmp_path)
    assert run.returncode == 1
    assert f"status {status}" in run.stderr
    assert "api_url" in run.stderr
    assert phase == "token" or "a redirect, which is not followed" in run.stderr
    assert_no_traceback(run)
    assert len(company.requests) == seen
    assert [entry.phase for entry in sandbox.requests].count(phase) == 1


class Recorder(http.server.ThreadingHTTPServer):
    """Records its requests, as a server or as a proxy; gives a token and refuses the rest."""

    def __init__(self) -> None:
        super().__init__((HOST, 0), _RecordingHandler)
        self.seen: list[tuple[str, str, str | None]] = []

    @property
    def address(self) -> str:
        return f"{HOST}:{self.server_port}"


class _RecordingHandler(http.server.BaseHTTPRequestHandler):
    server: Recorder

    def respond(self) -> None:
        self.server.seen.append((self.command, self.path, self.headers["Authorization"]))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b'{"access_token": "a-token"}'
        self.send_response(200 if self.path.endswith("/oauth/token") else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET = do_CONNECT = respond  # noqa: N815  # the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_plain_http_to_this_machine_passes_every_proxy_by(
    company: Sandbox, recorder: Recorder, tmp_path: Path
) -> None:
    """A proxy would read the client secret in clear text."""
    env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), f"http://{recorder.address}")
    run = run_tap(settings_for(company, DIRECTORY), tmp_path, env=env).succeeded()
    assert run.records("people_directory")
    assert not recorder.seen


def test_a_proxy_sees_no_credentials_under_tls(recorder: Recorder, tmp_path: Path) -> None:
    config = {
        "client_id": "somebody",
        "client_secret": "a-secret",
        "api_url": "https://crewmojo.example/v1",
        "reports": [DIRECTORY],
        "max_job_attempts": 1,
        "job_timeout": 1,
    }
    env = {"HTTPS_PROXY": f"http://{recorder.address}", "TAP_CREWMOJO_TIME_SCALE": ""}
    run = run_tap(config, tmp_path, env=env)
    assert run.returncode == 1
    assert_no_traceback(run)
    assert set(recorder.seen) == {("CONNECT", "crewmojo.example:443", None)}


def test_a_host_without_a_proxy_is_reached_directly(
    company: Sandbox, recorder: Recorder, tmp_path: Path
) -> None:
    env = {"HTTP_PROXY": f"http://{recorder.address}", "NO_PROXY": HOST}
    run_tap(settings_for(company, DIRECTORY), tmp_path, env=env).succeeded()
    assert not recorder.seen


def test_passwords_of_netrc_are_not_used(
    company: Sandbox, recorder: Recorder, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine {HOST} login somebody password swordfish\n", encoding="utf-8")
    netrc.chmod(0o600)
    for own in ({"HOME": str(tmp_path)}, {"NETRC": str(netrc)}):
        run = run_tap(settings_for(company, DIRECTORY), tmp_path, env=own).succeeded()
        assert len(run.records("people_directory")) == company.people
        recorder.seen.clear()
        config = settings_for(company, DIRECTORY, api_url=f"http://{recorder.address}/v1")
        run_tap(config, tmp_path, env=own)
        assert [authorization for *_, authorization in recorder.seen] == [None, "Bearer a-token"]
