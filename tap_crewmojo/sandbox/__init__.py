"""A local stand-in for the Crewmojo API, with made-up people."""

from __future__ import annotations
