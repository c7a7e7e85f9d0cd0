"""Singer tap for Crewmojo's report downloads."""

from __future__ import annotations
