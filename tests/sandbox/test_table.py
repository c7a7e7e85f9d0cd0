"""Tables as CSV and JSON."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

from tap_crewmojo.sandbox.company.table import Table, to_csv, to_json


def test_csv_cells() -> None:
    moment = datetime(2024, 2, 29, 23, 30, tzinfo=UTC)
    row = (True, False, None, 3, 2.5, 1e-7, 1e22, date(2024, 2, 29), moment, '"a",\nb', "007")
    written = to_csv(Table(tuple("abcdefghijk"), (row,)))
    assert written == (
        b"a,b,c,d,e,f,g,h,i,j,k\r\n"
        b"true,false,,3,2.5,0.0000001,10000000000000000000000,2024-02-29,2024-02-29T23:30:00Z,"
        b'"""a"",\nb",007\r\n'
    )


def test_json_cells() -> None:
    moment = datetime(2024, 2, 29, 23, 30, tzinfo=UTC)
    table = Table(tuple("abcdef"), ((True, None, 3, 2.5, moment, "007"),))
    row = {"a": True, "b": None, "c": 3, "d": 2.5, "e": "2024-02-29T23:30:00Z", "f": "007"}
    assert json.loads(to_json(table)) == [row]
