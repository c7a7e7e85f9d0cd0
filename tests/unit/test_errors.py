"""The tree of exceptions in the docstring of `errors.py` is the real one."""

from __future__ import annotations

import inspect
import re

from tap_crewmojo import errors


def test_the_docstring_draws_the_tree_of_exceptions() -> None:
    bases = {
        name: base.__base__.__name__
        for name, base in inspect.getmembers(errors, inspect.isclass)
        if issubclass(base, Exception) and base.__base__
    }
    lines = re.findall(r"^ {4}([ │├└─]*)(\w+Error)", errors.__doc__ or "", re.MULTILINE)
    path: list[str] = []
    drawn = {}
    for indent, name in lines:
        path[len(indent) // 4 :] = [name]
        drawn[name] = path[-2] if len(path) > 1 else bases[name]
    assert drawn == bases
