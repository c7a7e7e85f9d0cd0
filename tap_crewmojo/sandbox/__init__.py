"""A local Crewmojo API with made-up people, to try and to test the tap."""

from __future__ import annotations
