"""The variables of the environment: which are invalid, which are unknown, which are not read."""

from __future__ import annotations

import json
import math
import re
import tempfile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tap_crewmojo.clock import SCALE_VARIABLE
from tap_crewmojo.config.json_schema import SETTINGS
from tap_crewmojo.config.validation import is_loopback, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_BOOLEANS = ("true", "false", "yes", "no", "on", "off", "1", "0")
_FOLDERS = ("TMPDIR", "TEMP", "TMP")  # in the order in which `tempfile` looks at them


def environment_mistakes(
    environment: Mapping[str, str], prefix: str, schema: Mapping[str, Any]
) -> Iterator[str]:
    """Yield which variables are invalid: the SDK would fail over them without naming them."""
    for name, setting in schema["properties"].items():
        text = environment.get(variable := prefix + name.upper())
        types = setting["type"]
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


def unread_variables(
    environment: Mapping[str, str], prefix: str, config: Mapping[str, Any]
) -> Iterator[str]:
    """Yield a sentence if variables hold required settings that the configuration lacks."""
    names = [prefix + name.upper() for name in SETTINGS["required"] if name not in config]
    if found := [name for name in names if environment.get(name)]:
        yield f"{', '.join(found)}: variables are read with `--config=ENV` only; add it"


def machine_mistakes(environment: Mapping[str, str], config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the time scale, and with the folder for temporary files."""
    scale = environment.get(SCALE_VARIABLE) or "1"
    if not _is_positive(scale):
        yield f"{SCALE_VARIABLE} must be a positive number"
    elif float(scale) != 1 and not _is_on_this_machine(config.get("api_url")):
        yield (
            f"{SCALE_VARIABLE} must not be set, unless api_url is that of a sandbox on this "
            "machine: it shortens each timeout"
        )
    name = next(filter(environment.get, _FOLDERS), None)
    try:
        # Where the folder cannot be used, `tempfile` itself would silently take another one.
        with tempfile.TemporaryFile(dir=environment[name] if name else None) as file:
            file.write(b"0")
            file.flush()
    except OSError as exc:
        reason = (exc.strerror or "no folder can be written to").lower()
        yield f"{name or 'TMPDIR'} must be a folder for temporary files: {reason}"


def unknown_variables(
    environment: Iterable[str], prefix: str, schema: Mapping[str, Any]
) -> list[str]:
    """Return a sentence for each variable with the prefix that is not a setting's.

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


def _is_json(text: str, kind: type) -> bool:
    try:
        return isinstance(json.loads(text), kind)
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
