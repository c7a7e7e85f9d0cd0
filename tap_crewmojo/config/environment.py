"""The variables of the environment: settings, the time scale, the folder for temporary files."""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tap_crewmojo.clock import SCALE_VARIABLE
from tap_crewmojo.config.json_schema import SETTINGS
from tap_crewmojo.config.validation import is_loopback, unknown_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PREFIX = "TAP_CREWMOJO_"
_BOOLEANS = ("true", "false", "yes", "no", "on", "off", "1", "0")
_FOLDERS = ("TMPDIR", "TEMP", "TMP")  # in the order in which `tempfile` reads them


def variable_errors(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield which variables are invalid: the SDK would fail without naming them."""
    for name, setting in schema["properties"].items():
        text = os.environ.get(variable := _PREFIX + name.upper())
        types = setting.get("type", ())
        if text is None:
            continue
        if "integer" in types and not re.fullmatch(r"-?\d+", text.strip()):
            yield f"{variable} must be a whole number"
        if "boolean" in types and text.lower() not in _BOOLEANS:
            yield f"{variable} must be one of {', '.join(_BOOLEANS)}"
        if "array" in types and not _is_json(text, list):
            yield f'{variable} must be a JSON array, such as ["oneonone.summary"]'
        if "object" in types and not _is_json(text, dict):
            yield f"{variable} must be a JSON object"


def unread_variables(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence if variables hold required settings that the configuration lacks."""
    names = [_PREFIX + name.upper() for name in SETTINGS["required"] if name not in config]
    if found := [name for name in names if os.environ.get(name)]:
        yield f"{', '.join(found)}: variables are read with `--config=ENV` only; add it"


def unknown_variables(schema: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each variable with the prefix that is not a setting's.

    Variables of others are skipped: the SDK's log level, what Meltano names with two underscores,
    and the parts of a setting that has parts.
    """
    known = schema["properties"]
    ours = [name for name in os.environ if name.startswith(_PREFIX) and name != SCALE_VARIABLE]
    parts = tuple(
        f"{name}_" for name, setting in known.items() if "object" in setting.get("type", ())
    )
    names = (name.removeprefix(_PREFIX).lower() for name in ours)
    return unknown_settings(
        [name for name in names if name != "loglevel" and not name.startswith(("_", *parts))],
        known,
        lambda name: _PREFIX + name.upper(),
    )


def machine_errors(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is invalid in the time scale, and in the folder for temporary files."""
    scale = os.environ.get(SCALE_VARIABLE) or "1"
    if not _is_positive(scale):
        yield f"{SCALE_VARIABLE} must be a positive number"
    elif float(scale) != 1 and not _is_on_this_machine(config.get("api_url")):
        yield (
            f"{SCALE_VARIABLE} must not be set, unless api_url is that of a sandbox on this "
            "machine: it shortens each timeout"
        )
    name = next(filter(os.environ.get, _FOLDERS), None)
    try:
        # Where the folder cannot be used, `tempfile` itself would use another one without a word.
        with tempfile.TemporaryFile(dir=os.environ[name] if name else None) as file:
            file.write(b"0")
            file.flush()
    except OSError as exc:
        reason = (exc.strerror or "no folder can be written to").lower()
        yield f"{name or 'TMPDIR'} must be a folder for temporary files: {reason}"


def _is_json(text: str, expected: type) -> bool:
    try:
        return isinstance(json.loads(text), expected)
    except (ValueError, RecursionError):
        return False


def _is_positive(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def _is_on_this_machine(url: object) -> bool:
    try:
        return is_loopback(urlsplit(str(url)).hostname or "")
    except ValueError:
        return False
