"""Faults: the requests that they apply to, and the validation of their fields."""

from __future__ import annotations

import codecs
import json
from collections import Counter
from dataclasses import dataclass, field, fields
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from tap_crewmojo.sandbox.fault_kinds import DAMAGES, FAULT_KINDS, PLACES
from tap_crewmojo.sandbox.wire import FRAMINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

Phase: TypeAlias = Literal["token", "post", "poll"]

_Rule: TypeAlias = "tuple[str, Callable[[Any], bool]]"
"""A requirement of a value: as words after "must be", and as a check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault that is applied to some requests.

    Raises:
        ValueError: A value is invalid, or the kind does not have this field.
    """

    phase: Phase
    kind: str  # one of FAULT_KINDS, which explains the fields of each kind
    report: str | None = None  # only requests for this report
    start: int | None = None  # only ranges that start on this date, as yyyymmdd
    skip: int = 0  # ignore this number of matching requests,
    times: int = 1  # then apply the fault to this number
    status: int | None = None
    seconds: float = 0
    size: int | None = None
    retry_after: str | None = None
    body: str | None = None
    content_type: str | None = None
    headers: dict[str, str] | None = None
    framing: str | None = None
    transfer: bool = False
    at: str | None = None
    encoding: str | None = None
    damage: str | None = None
    charset: str | None = None
    lines: list[str] | None = None
    status_line: str | None = None
    blank_line: bool = True
    close: bool = False

    def __post_init__(self) -> None:
        problem = next(_problems(self), None)
        if problem:
            raise ValueError(problem)

    @classmethod
    def from_json(cls, text: str) -> Fault:
        """Parse a fault from a JSON object.

        Raises:
            ValueError: The fault is invalid.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            message = f"A fault must be a JSON object; this cannot be parsed: {error}."
            raise ValueError(message) from None
        if not isinstance(values, dict):
            message = 'A fault must be a JSON object, such as {"phase": "post", "kind": "reset"}.'
            raise ValueError(message)  # noqa: TRY004  # an invalid value, not a wrong type in code
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                message = f"Unknown field {name!r}. The fields of a fault: {', '.join(names)}."
                raise ValueError(message)
        return cls(**{"phase": None, "kind": None, **values})

    def matches(self, phase: Phase, report: str | None, start: int | None) -> bool:
        """Return whether this fault applies to a request."""
        return self.phase == phase and self.report in {None, report} and self.start in {None, start}


def _one_of(known: Collection[str]) -> _Rule:
    return f"one of {', '.join(known)}", lambda value: value in list(known)


def _is_charset(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(codecs.lookup(value))
    except (LookupError, ValueError):
        return False


def _are_strings(values: Collection[object]) -> bool:
    return all(isinstance(value, str) for value in values)


_STRING: Final[_Rule] = ("a string", lambda value: isinstance(value, str))
_COUNT: Final[_Rule] = (
    "an integer, at least 0",
    lambda value: type(value) is int and value >= 0,
)
_FLAG: Final[_Rule] = ("true or false", lambda value: isinstance(value, bool))

_COMMON_FIELDS: Final[dict[str, _Rule]] = {
    "phase": _one_of(get_args(Phase)),
    "kind": _one_of(FAULT_KINDS),
    "report": _STRING,
    "start": ("a date as an integer yyyymmdd", _COUNT[1]),
    "skip": _COUNT,
    "times": _COUNT,
}
_FIELDS_OF_KINDS: Final[dict[str, _Rule]] = {
    "status": ("a status from 100 to 599", lambda value: value in list(range(100, 600))),
    "seconds": (
        "a number of seconds, at least 0",
        lambda value: type(value) in {int, float} and 0 <= value < float("inf"),
    ),
    "size": _COUNT,
    "retry_after": _STRING,
    "body": _STRING,
    "content_type": _STRING,
    "headers": (
        "an object of strings",
        lambda value: isinstance(value, dict) and _are_strings(value.values()),
    ),
    "framing": _one_of(FRAMINGS),
    "transfer": _FLAG,
    "at": _one_of(PLACES),
    "encoding": _STRING,
    "damage": _one_of(DAMAGES),
    "charset": ("a charset that Python knows", _is_charset),
    "lines": ("a list of strings", lambda value: isinstance(value, list) and _are_strings(value)),
    "status_line": _STRING,
    "blank_line": _FLAG,
    "close": _FLAG,
}


def _problems(fault: Fault) -> Iterator[str]:
    """Yield the problems of a fault, as sentences."""
    defaults = {field.name: field.default for field in fields(Fault)}
    for name, (words, is_valid) in (_COMMON_FIELDS | _FIELDS_OF_KINDS).items():
        value = getattr(fault, name)
        if value is defaults[name]:
            continue
        if not is_valid(value):
            yield f"{name!r} must be {words}."
        elif name in _FIELDS_OF_KINDS and name not in (known := FAULT_KINDS[fault.kind].fields):
            kind, names = fault.kind, ", ".join(known) or "none"
            yield f"Unknown field {name!r} for the kind {kind!r}. Its fields: {names}."


@dataclass(slots=True)
class FaultPlan:
    """The planned faults. At most one applies to each request: the first that matches."""

    _faults: list[Fault] = field(default_factory=list)
    _matched: Counter[int] = field(default_factory=Counter)  # requests, by the fault's index
    _lock: Lock = field(default_factory=Lock)

    def add(self, *faults: Fault) -> None:
        """Add faults."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()
            self._matched.clear()

    def pick(self, phase: Phase, report: str | None, start: int | None) -> Fault | None:
        """Return the fault for this request, and count the request."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if not fault.matches(phase, report, start):
                    continue
                self._matched[index] += 1
                if fault.skip < self._matched[index] <= fault.skip + fault.times:
                    return fault
            return None

    @property
    def pending(self) -> list[Fault]:
        """The faults that were not applied as often as planned."""
        with self._lock:
            return [
                fault
                for index, fault in enumerate(self._faults)
                if self._matched[index] < fault.skip + fault.times
            ]
