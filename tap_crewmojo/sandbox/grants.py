"""What a request for an access token says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class GrantRequest:
    """The body of a token request: client credentials, as a form or as JSON ([doc])."""

    grant_type: str = ""
    client_id: str = ""
    client_secret: str = ""

    @classmethod
    def of(cls, body: bytes, content_type: str) -> GrantRequest:
        """Read a body; what is not there, or is no text, is left empty."""
        try:
            text = body.decode()
            fields = json.loads(text) if content_type == "application/json" else _form(text)
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            return cls()
        names = ("grant_type", "client_id", "client_secret")
        values = (fields.get(name) for name in names)
        return cls(*(value if isinstance(value, str) else "" for value in values))

    @property
    def problem(self) -> str | None:
        """The error of a malformed request, by the names of RFC 6749 ([assumed])."""
        if not (self.grant_type and self.client_id and self.client_secret):
            return "invalid_request"
        return None if self.grant_type == "client_credentials" else "unsupported_grant_type"


def _form(text: str) -> dict[str, str]:
    return dict(parse_qsl(text))
