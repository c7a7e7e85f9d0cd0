"""Certificates: only a trusted one of the right host, still valid, is accepted."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme

from support.processes import assert_no_traceback
from support.sandboxes import DIRECTORY, settings_for
from support.tap_runs import Run, run_tap
from tap_crewmojo.sandbox.sandbox import HOST, Sandbox

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def bundle(authority: trustme.CA, folder: Path) -> dict[str, str]:
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return {"REQUESTS_CA_BUNDLE": str(file)}


def assert_certificate_refused(sandbox: Sandbox, run: Run) -> None:
    assert run.returncode == 1
    assert "the server's certificate is not trusted" in run.stderr
    assert_no_traceback(run)
    assert run.stderr.count("Requesting an access token") == 1, "a retry would not help"
    assert not sandbox.requests
    assert not sandbox.tokens


def test_a_certificate_of_an_unknown_authority_is_refused(
    authority: trustme.CA, tmp_path: Path
) -> None:
    with Sandbox(people=3, ssl_context=tls(authority.issue_cert(HOST))) as sandbox:
        run = run_tap(settings_for(sandbox, DIRECTORY), tmp_path)
        assert_certificate_refused(sandbox, run)


def test_a_server_without_tls_is_not_blamed_for_its_certificate(
    company: Sandbox, tmp_path: Path
) -> None:
    api_url = company.api_url.replace("http:", "https:")
    run = run_tap(settings_for(company, DIRECTORY, api_url=api_url), tmp_path)
    assert run.returncode == 1
    assert "the server speaks no TLS, or another version of it; check api_url" in run.stderr
    assert "certificate" not in run.stderr
    assert_no_traceback(run)


def test_an_expired_certificate_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    expired = authority.issue_cert(HOST, not_after=yesterday)
    with Sandbox(people=3, ssl_context=tls(expired)) as sandbox:
        run = run_tap(settings_for(sandbox, DIRECTORY), tmp_path, env=bundle(authority, tmp_path))
        assert_certificate_refused(sandbox, run)


def test_the_certificate_of_another_host_is_refused(authority: trustme.CA, tmp_path: Path) -> None:
    other = authority.issue_cert("crewmojo.example", "127.0.0.2")
    with Sandbox(people=3, ssl_context=tls(other)) as sandbox:
        run = run_tap(settings_for(sandbox, DIRECTORY), tmp_path, env=bundle(authority, tmp_path))
        assert_certificate_refused(sandbox, run)


def test_an_authority_of_the_users_own_is_trusted(authority: trustme.CA, tmp_path: Path) -> None:
    with Sandbox(people=3, ssl_context=tls(authority.issue_cert(HOST))) as sandbox:
        run = run_tap(settings_for(sandbox, DIRECTORY), tmp_path, env=bundle(authority, tmp_path))
    assert len(run.succeeded().records("people_directory")) == 3


def test_a_missing_file_of_authorities_is_named_in_a_sentence(
    authority: trustme.CA, tmp_path: Path
) -> None:
    env = {"REQUESTS_CA_BUNDLE": str(tmp_path / "missing.pem")}
    with Sandbox(people=3, ssl_context=tls(authority.issue_cert(HOST))) as sandbox:
        run = run_tap(settings_for(sandbox, DIRECTORY), tmp_path, env=env)
        assert not sandbox.requests
    assert run.returncode == 1
    assert "REQUESTS_CA_BUNDLE" in run.stderr
    assert_no_traceback(run)
