"""Faults: their requests, and the messages about invalid ones."""

from __future__ import annotations

import json
import re

import pytest

from tap_crewmojo.sandbox.faults import Fault, FaultPlan


def test_a_fault_chooses_its_requests() -> None:
    plan = FaultPlan()
    fault = Fault(phase="post", kind="empty", report="a", start=1, skip=1, times=2)
    plan.add(fault)
    for other in (("token", None, None), ("poll", "a", 1), ("post", "b", 1), ("post", "a", 2)):
        assert plan.pick(*other) is None
    assert [plan.pick("post", "a", 1) for _ in range(4)] == [None, fault, fault, None]
    assert plan.pending == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "A fault must be a JSON object; this cannot be parsed: "),
        ("[" * 100_000, "A fault must be a JSON object; this cannot be parsed: "),
        ("[]", "A fault must be a JSON object, such as "),
        ("{}", "'phase' must be one of token, post, poll."),
        ('{"phase": "post"}', "'kind' must be one of status, body, "),
        ('{"phase": "post", "kind": "x"}', "'kind' must be one of status, body, "),
        ('{"phase": ["post"], "kind": "cut"}', "'phase' must be one of token, post, poll."),
        ('{"colour": "blue"}', "Unknown field 'colour'. The fields of a fault: phase, kind, "),
    ],
)
def test_an_invalid_fault_is_explained_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        Fault.from_json(text)


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        (
            "cut",
            {"seconds": 1},
            "Unknown field 'seconds' for the kind 'cut'. Its fields: framing, at.",
        ),
        ("reset", {"body": ""}, "Unknown field 'body' for the kind 'reset'. Its fields: none."),
        ("reset", {"times": -1}, "'times' must be an integer, at least 0."),
        ("reset", {"start": "2025-01-01"}, "'start' must be a date as an integer yyyymmdd."),
        ("status", {"status": 99}, "'status' must be a status from 100 to 599."),
        ("status", {"status": True}, "'status' must be a status from 100 to 599."),
        ("status", {"headers": {"a": 1}}, "'headers' must be an object of strings."),
        ("delay", {"seconds": float("inf")}, "'seconds' must be a number of seconds, at least 0."),
        ("charset", {"charset": "klingon"}, "'charset' must be a charset that Python knows."),
        ("malformed", {"lines": "x"}, "'lines' must be a list of strings."),
        ("malformed", {"close": 1}, "'close' must be true or false."),
        ("cut", {"at": "noon"}, "'at' must be one of half, cell, line."),
    ],
)
def test_an_invalid_field_is_explained_in_a_sentence(
    kind: str, fields: dict[str, object], sentence: str
) -> None:
    text = json.dumps({"phase": "post", "kind": kind, **fields})
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Fault.from_json(text)
