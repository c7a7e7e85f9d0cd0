"""Misbehaviour on order: what may go wrong, and when."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal, TypeAlias, get_args

from tap_crewmojo.sandbox.answer import CSV, JSON, Answer

Phase: TypeAlias = Literal["token", "post", "poll"]
Kind: TypeAlias = Literal[
    "status",  # answer with `status`, and `body` or a JSON error
    "reset",  # abort the connection before any answer
    "cut",  # announce the whole body, send half of it, close
    "cut-chunked",  # likewise, without announcing a length
    "delay",  # wait `seconds` before the true answer
    "revoke",  # make all tokens invalid first
    "lose-job",  # forget the job that the request asks for, or gets
    "body",  # answer 200 with `body` instead
    "redirect",  # answer with a redirection to `body`
    "empty",  # answer 200 with nothing in it
    "gzip",  # compress the true answer
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something to go wrong with the requests it fits."""

    phase: Phase
    kind: Kind
    status: int | None = None
    report: str | None = None  # only for this report
    start: int | None = None  # only for ranges that start on this yyyymmdd
    skip: int = 0  # spare so many requests that fit,
    times: int = 1  # then strike so often
    seconds: float = 0
    retry_after: str | None = None
    body: str | None = None
    content_type: str | None = None

    def __post_init__(self) -> None:
        for name, value, known in (
            ("phase", self.phase, get_args(Phase)),
            ("kind", self.kind, get_args(Kind)),
        ):
            if value not in known:
                message = f"{name}: {value!r} is none of {', '.join(known)}"
                raise ValueError(message)

    @classmethod
    def from_json(cls, text: str) -> Fault:
        """Read a fault from a JSON object.

        Raises:
            ValueError: It is none.
        """
        try:
            return cls(**json.loads(text))
        except TypeError as error:
            raise ValueError(str(error)) from error

    def fits(self, phase: Phase, report: str | None, start: int | None) -> bool:
        """Tell whether a request is one that this is meant for."""
        return self.phase == phase and self.report in {None, report} and self.start in {None, start}

    def answer(self) -> Answer | None:
        """What to answer instead of the truth, if anything."""
        body, status = (self.body or "").encode(), self.status
        match self.kind:
            case "status":
                headers = {"Retry-After": self.retry_after} if self.retry_after else {}
                if self.body is None:
                    body = b'{"error": "as ordered"}'
                return Answer(body, self.content_type or JSON, status or 500, headers)
            case "redirect":
                return Answer(status=status or 302, headers={"Location": self.body or "/"})
            case "body" | "empty":
                return Answer(body, self.content_type or CSV, status or 200)
            case "reset":
                return Answer()
            case _:
                return None


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
