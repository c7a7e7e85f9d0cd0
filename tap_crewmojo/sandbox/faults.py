"""Misbehaviour on order: which requests it is meant for, and which kind it is."""

from __future__ import annotations

import codecs
import json
from collections import Counter
from dataclasses import dataclass, field, fields
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from tap_crewmojo.sandbox.fault_kinds import DAMAGES, KINDS, PLACES
from tap_crewmojo.sandbox.wire import FRAMINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

Phase: TypeAlias = Literal["token", "post", "poll"]

_Rule: TypeAlias = "tuple[str, Callable[[Any], bool]]"
"""What a value must be, in words and as a check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something to go wrong with the requests it fits.

    Raises:
        ValueError: A value is invalid, or its kind does not take it.
    """

    phase: Phase
    kind: str  # one of KINDS, where the fields that it takes are explained
    report: str | None = None  # only for this report
    start: int | None = None  # only for ranges that start on this yyyymmdd
    skip: int = 0  # spare so many requests that fit,
    times: int = 1  # then strike so often
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
        """Read a fault from a JSON object.

        Raises:
            ValueError: It is invalid.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            message = f"A fault must be a JSON object; this cannot be parsed: {error}."
            raise ValueError(message) from None
        if not isinstance(values, dict):
            message = 'A fault must be a JSON object, such as {"phase": "post", "kind": "reset"}.'
            raise ValueError(message)  # noqa: TRY004  # whoever typed it gave a wrong value
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                message = f"A fault takes no {name!r}; it takes {', '.join(names)}."
                raise ValueError(message)
        return cls(**{"phase": None, "kind": None, **values})

    def fits(self, phase: Phase, report: str | None, start: int | None) -> bool:
        """Tell whether a request is one that this is meant for."""
        return self.phase == phase and self.report in {None, report} and self.start in {None, start}


def _one_of(known: Collection[str]) -> _Rule:
    return f"one of {', '.join(known)}", lambda value: value in list(known)


def _is_charset(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(codecs.lookup(value))
    except (LookupError, ValueError):
        return False


def _texts(values: Collection[object]) -> bool:
    return all(isinstance(value, str) for value in values)


_TEXT: Final[_Rule] = ("a text", lambda value: isinstance(value, str))
_COUNT: Final[_Rule] = (
    "a whole number, at least 0",
    lambda value: type(value) is int and value >= 0,
)
_FLAG: Final[_Rule] = ("true or false", lambda value: isinstance(value, bool))

_OF_EVERY_KIND: Final[dict[str, _Rule]] = {
    "phase": _one_of(get_args(Phase)),
    "kind": _one_of(KINDS),
    "report": _TEXT,
    "start": ("a date as a number yyyymmdd", _COUNT[1]),
    "skip": _COUNT,
    "times": _COUNT,
}
_OF_SOME_KINDS: Final[dict[str, _Rule]] = {
    "status": ("a status from 100 to 599", lambda value: value in list(range(100, 600))),
    "seconds": (
        "a number of seconds, at least 0",
        lambda value: type(value) in {int, float} and 0 <= value < float("inf"),
    ),
    "size": _COUNT,
    "retry_after": _TEXT,
    "body": _TEXT,
    "content_type": _TEXT,
    "headers": (
        "an object of texts",
        lambda value: isinstance(value, dict) and _texts(value.values()),
    ),
    "framing": _one_of(FRAMINGS),
    "transfer": _FLAG,
    "at": _one_of(PLACES),
    "encoding": _TEXT,
    "damage": _one_of(DAMAGES),
    "charset": ("a charset that Python knows", _is_charset),
    "lines": ("a list of texts", lambda value: isinstance(value, list) and _texts(value)),
    "status_line": _TEXT,
    "blank_line": _FLAG,
    "close": _FLAG,
}


def _problems(fault: Fault) -> Iterator[str]:
    """Yield what is wrong with a fault, as sentences."""
    defaults = {field.name: field.default for field in fields(Fault)}
    for name, (words, is_valid) in (_OF_EVERY_KIND | _OF_SOME_KINDS).items():
        value = getattr(fault, name)
        if value is defaults[name]:
            continue
        if not is_valid(value):
            yield f"{name!r} must be {words}."
        elif name in _OF_SOME_KINDS and name not in (taken := KINDS[fault.kind].takes):
            known = f"it takes {', '.join(taken)}" if taken else "it takes no fields"
            yield f"The kind {fault.kind!r} does not take {name!r}; {known}."


@dataclass(slots=True)
class FaultPlan:
    """The faults still to come. The first one that strikes takes the request from later ones."""

    _faults: list[Fault] = field(default_factory=list)
    _met: Counter[int] = field(default_factory=Counter)  # requests met, by the fault's place
    _lock: Lock = field(default_factory=Lock)

    def add(self, *faults: Fault) -> None:
        """Order more."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Let all be well from now on."""
        with self._lock:
            self._faults.clear()
            self._met.clear()

    def pick(self, phase: Phase, report: str | None, start: int | None) -> Fault | None:
        """Choose what goes wrong with this request, and count it."""
        with self._lock:
            for place, fault in enumerate(self._faults):
                if not fault.fits(phase, report, start):
                    continue
                self._met[place] += 1
                if fault.skip < self._met[place] <= fault.skip + fault.times:
                    return fault
            return None

    @property
    def pending(self) -> list[Fault]:
        """The faults that have not struck as often as they should."""
        with self._lock:
            return [
                fault
                for place, fault in enumerate(self._faults)
                if self._met[place] < fault.skip + fault.times
            ]
