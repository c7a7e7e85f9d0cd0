"""What all tests of this folder need."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the developer's own proxies, certificates and passwords."""
    names = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "netrc")
    for name in (*names, *map(str.upper, names), "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
