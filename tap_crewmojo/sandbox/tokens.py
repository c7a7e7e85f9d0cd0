"""Access tokens of the one client."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

LIFETIME = 30 * 60  # [doc]


@dataclass(slots=True)
class Tokens:
    """Only the newest token counts: each new one invalidates all earlier ones ([doc])."""

    issued: list[str] = field(default_factory=list)
    _expires: float = 0

    def issue(self, now: float) -> str:
        """Give out a new token."""
        self.issued.append(f"sandbox-{secrets.token_urlsafe(24)}")
        self._expires = now + LIFETIME
        return self.issued[-1]

    def revoke(self) -> None:
        """Let no token count, until a new one is given out."""
        self._expires = 0

    def accepts(self, authorization: str | None, now: float) -> bool:
        """Tell whether an `Authorization` header carries the token that counts."""
        scheme, _, token = (authorization or "").partition(" ")
        return (
            scheme.lower() == "bearer"
            and bool(self.issued)
            and token == self.issued[-1]
            and now < self._expires
        )
