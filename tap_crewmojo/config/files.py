"""The JSON files of the command line: settings, catalog, state."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from singer_sdk.exceptions import ConfigValidationError

from tap_crewmojo.redaction import one_line

if TYPE_CHECKING:
    from typing import IO, Any, TextIO


def read_object(option: str, path: str) -> dict[str, Any]:
    """Read a JSON object from a file that an option of the command line names.

    Raises:
        ConfigValidationError: the file cannot be read, or holds something else.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as exc:
        reason = (exc.strerror or type(exc).__name__).lower()
        raise _invalid(option, path, f"cannot be read: {reason}") from None
    return _parse_object(option, path, data)


def parsed_file(option: str, file: IO[str] | None) -> IO[str] | None:
    """Return a file with the JSON object that a file of the command line holds, in UTF-8.

    Raises:
        ConfigValidationError: it holds something else.
    """
    if file is None:
        return None
    data = cast("TextIO", file).buffer.read()  # the text would be in the system's encoding
    if option == "--state" and not data.strip():
        return None  # the last line of a target that printed none
    return io.StringIO(json.dumps(_parse_object(option, file.name, data)))


def _parse_object(option: str, path: str, data: bytes) -> dict[str, Any]:
    """Parse a JSON object in UTF-8, or in UTF-16 as PowerShell writes it.

    Raises:
        ConfigValidationError: it is not one; the text holds nothing of the data.
    """
    try:
        value = json.loads(data)
    except UnicodeDecodeError:
        reason = "must be in UTF-8 or UTF-16"
    except json.JSONDecodeError as exc:
        reason = f"must be JSON: see its line {exc.lineno}, column {exc.colno}"
    except RecursionError:
        reason = "must not be nested this deeply"
    else:
        if isinstance(value, dict):
            return value
        reason = "must hold a JSON object"
    raise _invalid(option, path, reason)


def _invalid(option: str, path: str, reason: str) -> ConfigValidationError:
    text = one_line(f"The file '{path}' given as {option} {reason}")
    return ConfigValidationError(text, errors=[text])
