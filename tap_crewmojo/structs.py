"""Structs of msgspec for rows and records, with almost any column names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_FIELD_NAME = re.compile(r'["\\\x00-\x1f]')


def can_be_field(name: str) -> bool:
    """Return whether msgspec accepts a name for a field of a struct."""
    return not _NO_FIELD_NAME.search(name)


def struct_of(
    names: Sequence[str], types: Sequence[tuple[Any, ...]], *, kw_only: bool = False
) -> type[msgspec.Struct]:
    """Make a struct type; JSON with any other field does not decode.

    Args:
        names: the names of its fields in JSON, each of which `can_be_field`.
        types: the type of each field, and its default if it has one.
        kw_only: whether it is only decoded, so that any field may have a default.
    """
    fields = [f"field{place}" for place in range(len(names))]
    return msgspec.defstruct(
        "Row",
        [(field, *given) for field, given in zip(fields, types, strict=True)],
        rename=dict(zip(fields, names, strict=True)),
        forbid_unknown_fields=True,
        kw_only=kw_only,
        gc=False,
    )
