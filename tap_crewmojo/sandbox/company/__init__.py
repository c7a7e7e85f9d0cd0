"""The made-up company: its people, and the reports about them."""

from __future__ import annotations
