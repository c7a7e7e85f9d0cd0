"""A small client of the sandbox's API."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from tap_crewmojo.sandbox.company.company import ReportSource
from tap_crewmojo.sandbox.company.table import Table, to_csv

if TYPE_CHECKING:
    from tap_crewmojo.sandbox.sandbox import Sandbox

SCALE = 0.002  # thirty seconds of the API take 60 ms
MARCH = {"startDate": 20240301, "endDate": 20240331}
SLOW = ReportSource(lambda *_: Table(("a",), ((1,),)), generation_seconds=75)
VERY_SLOW = ReportSource(lambda *_: Table(("a",), ((1,),)), generation_seconds=10**6)


@dataclass(frozen=True)
class RawResponse:
    """The bytes of a response, split at the first blank line."""

    head: str
    body: bytes
    is_kept: bool  # whether the connection stays open


@dataclass(frozen=True)
class Client:
    """A minimal client of the API."""

    sandbox: Sandbox

    def request_token(self, **fields: str) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.sandbox.client_id,
            "client_secret": self.sandbox.client_secret,
        } | fields
        return requests.post(f"{self.sandbox.api_url}/oauth/token", data=form, timeout=10)

    def token(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.request_token().json()['access_token']}"}

    def url(self, *parts: str) -> str:
        return "/".join((self.sandbox.api_url, "integrations/download", *parts))

    def post(
        self, report: str, token: dict[str, str] | None = None, /, **body: object
    ) -> requests.Response:
        headers = self.token() if token is None else token
        return requests.post(
            self.url(report), json=body, headers=headers, timeout=10, allow_redirects=False
        )

    def poll(self, report: str, job: str, token: dict[str, str]) -> requests.Response:
        return requests.get(self.url(report, job), headers=token, timeout=10)

    @property
    def csv(self) -> bytes:
        """The report `people.directory`, straight from the company."""
        return to_csv(self.sandbox.company.report("people.directory"))

    def raw_post(self, path: str = "integrations/download/people.directory") -> RawResponse:
        """Return the bytes of the response to a POST."""
        address = urlsplit(self.sandbox.api_url)
        host = f"HTTP/1.1\r\nHost: {address.netloc}\r\n"
        authorization = self.token()["Authorization"]
        # The second request gets a response only if the connection is kept.
        text = (
            f"POST {address.path}/{path} {host}Content-Length: 2\r\n"
            f"Authorization: {authorization}\r\n\r\n{{}}"
            f"GET / {host}Connection: close\r\n\r\n"
        )
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            connection.sendall(text.encode())
            got = b"".join(iter(partial(connection.recv, 1 << 16), b""))
        first, hint, _ = got.partition(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain")
        head, _, body = first.partition(b"\r\n\r\n")
        return RawResponse(head.decode("latin-1"), body, is_kept=bool(hint))

    def wait(self, report: str, job: str, token: dict[str, str]) -> requests.Response:
        """Poll until the response is not a job envelope."""
        while "jobId" in (response := self.poll(report, job, token)).text:
            time.sleep(SCALE)
        return response
