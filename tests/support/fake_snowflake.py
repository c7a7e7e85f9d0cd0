"""Run a target with a Snowflake made of files: `python fake_snowflake.py TARGET [ARGUMENT…]`.

It runs in the environment of the target, and reaches this machine only. fakesnow, which is
Snowflake's SQL on DuckDB, takes the place of Snowflake's `connect`. Added is what fakesnow lacks:
the stage of the user, where the target puts its files and from where it merges them, and
QUOTED_IDENTIFIERS_IGNORE_CASE, with which quoted names are upper case. The target is run last, so
that none runs without all this. The databases are files in the current folder.
"""

from __future__ import annotations

import re
import shutil
import sys
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlparse
from urllib.request import url2pathname

if TYPE_CHECKING:
    from typing import Any

_KEY_STRING_OR_NAME = re.compile(r""":"[^"]*"|'(?:[^']|'')*'|"[^"]*\"""")
_PUT = re.compile(r"put '(?P<file>[^']+)' '@~/(?P<folder>[^']+)'")
_REMOVE = re.compile(r"remove '@~/(?P<folder>[^']+)/'")
_MERGE = re.compile(
    r"(?P<head>merge into (?P<schema>\S+)\.\S+ d using) "
    r"\((?P<select>select .+) from '@~/(?P<folder>[^']+)'\(file_format => \S+\) "
    r"(?P<newest>QUALIFY .+? = 1)\) (?P<tail>s on .+)",
    re.DOTALL,
)
_OTHER_TYPE = re.compile(r"ALTER TABLE \S+ ALTER COLUMN (?P<column>.+) SET DATA TYPE", re.DOTALL)
_NOT_NEEDED = r"\s*((create or replace|drop) file format|put|remove)\b"


def replace_snowflake(folder: Path) -> None:
    """Let each connection to Snowflake be one to databases in a folder."""
    fake = import_module("fakesnow.instance").FakeSnow(db_path=folder, nop_regexes=[_NOT_NEEDED])
    fake.duck_conn.execute("SET autoinstall_known_extensions = false")  # it would download them
    add_what_it_lacks(import_module("fakesnow.cursor").FakeSnowflakeCursor, folder)
    import_module("snowflake.connector").__dict__["connect"] = fake.connect


def add_what_it_lacks(cursor_class: Any, stage: Path) -> None:  # noqa: ANN401
    """Let fakesnow's cursors know a stage, and take names in quotes for upper case."""
    execute = cursor_class.execute
    one_at_a_time = Lock()  # the target merges streams in parallel, fakesnow's MERGE does not

    def execute_more(cursor: Any, command: str, params: Any = None, **options: Any) -> Any:  # noqa: ANN401
        if params == {} and getattr(cursor._conn, "_interpolate_empty_sequences", False):
            command %= ()  # as the real cursor does
        command = upper_names(cursor._rewrite_with_params(command, params)[0])
        with one_at_a_time:
            if put := _PUT.match(command):
                place = stage / put["folder"]
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(url2pathname(urlparse(put["file"]).path), place)
            elif remove := _REMOVE.match(command):
                shutil.rmtree(stage / remove["folder"])
            elif merge := _MERGE.match(command):
                command = merge_of_staged_rows(cursor, merge)
            elif other_type := _OTHER_TYPE.search(command):
                msg = f"cannot change column {other_type['column']}"  # Snowflake's error 002108
                raise error(msg)
            return execute(cursor, command, **options)

    def merge_of_staged_rows(cursor: Any, merge: re.Match[str]) -> str:  # noqa: ANN401
        """Put the rows of staged files into a table; return the MERGE from there."""
        cursor._duck_conn.execute(
            "CREATE OR REPLACE TEMP TABLE staged AS "
            "SELECT json::JSON AS line, row_number() OVER () AS number "
            "FROM read_json_objects($files, format = 'newline_delimited')",
            {"files": str(stage / merge["folder"] / "*")},
        )
        select = merge["select"].replace("$1:", "line:")
        newest = merge["newest"].replace("SEQ8()", "number")
        execute(cursor, f"use schema {merge['schema']}")  # fakesnow's MERGE needs a current one
        execute(
            cursor, f"create or replace temporary table picked as {select} from staged {newest}"
        )
        return f"{merge['head']} picked {merge['tail']}"

    error = import_module("snowflake.connector.errors").ProgrammingError
    cursor_class.execute = execute_more


def upper_names(command: str) -> str:
    """Return SQL with its quoted names in upper case, but not the keys of JSON (`:"key"`)."""
    return _KEY_STRING_OR_NAME.sub(
        lambda found: found[0].upper() if found[0].startswith('"') else found[0], command
    )


if __name__ == "__main__":
    this_machine_only = import_module("this_machine_only")
    this_machine_only.block_other_machines()
    replace_snowflake(Path.cwd())
    this_machine_only.run_program(*sys.argv[1:])
