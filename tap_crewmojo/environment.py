"""The variables of the environment: what they hold that no setting can be, and which are none."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tap_crewmojo.clock import SCALE_VARIABLE
from tap_crewmojo.config_schema import SETTINGS
from tap_crewmojo.mistakes import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_BOOLEANS = ("true", "false", "yes", "no", "on", "off", "1", "0")


def environment_mistakes(environment: Mapping[str, str], prefix: str) -> Iterator[str]:
    """Yield which variables hold what their settings cannot be: the SDK would stumble over them."""
    for name, setting in SETTINGS["properties"].items():
        text = environment.get(variable := prefix + name.upper())
        types = setting["type"]
        if text is None:
            continue
        if "integer" in types and not re.fullmatch(r"-?\d+", text.strip()):
            yield f"{variable} is not a whole number"
        if "boolean" in types and text.lower() not in _BOOLEANS:
            yield f"{variable} is not one of {', '.join(_BOOLEANS)}"
        if "array" in types and not _is_json_array(text):
            yield f'{variable} is not a JSON array, such as ["oneonone.summary"]'


def unknown_variables(
    environment: Iterable[str], prefix: str, schema: Mapping[str, Any]
) -> list[str]:
    """Return a sentence for each variable with the prefix that is no setting's.

    Passed over is what others read: the SDK its log level, Meltano what it names with two
    underscores, and the parts of a setting that has parts.
    """
    known = schema["properties"]
    ours = [name for name in environment if name.startswith(prefix) and name != SCALE_VARIABLE]
    parts = tuple(f"{name}_" for name, setting in known.items() if "object" in setting["type"])
    names = (name.removeprefix(prefix).lower() for name in ours)
    return unknown(
        [name for name in names if name != "loglevel" and not name.startswith(("_", *parts))],
        known,
        lambda name: prefix + name.upper(),
    )


def _is_json_array(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False
