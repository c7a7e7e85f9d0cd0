"""Start bqemulator, a BigQuery on DuckDB, in the environment where it is installed.

Added is what it lacks: a key and the place to exchange it for an access token, so that Google's
client asks nobody else; DuckDB's extensions from packages, which it would download; and JSON lines
that are compressed, as BigQuery reads them and z3-target-bigquery sends them.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING

import duckdb
import duckdb_extension_avro
import duckdb_extension_spatial
from bqemulator import cli
from bqemulator.jobs import executor
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from typing import Any

CREDENTIALS = Path("credentials.json")
FORMAT = "NEWLINE_DELIMITED_JSON"
GZIP = b"\x1f\x8b"


class Tokens(BaseHTTPRequestHandler):
    """Gives a token to everybody."""

    def do_POST(self) -> None:
        token = {"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"}
        body = json.dumps(token).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def credentials(token_uri: str) -> dict[str, str]:
    """Return the key of a service account that gets its tokens from `token_uri`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "client_email": "somebody@example.com",
        "private_key": key.decode(),
        "token_uri": token_uri,
    }


def load_json(path: str, table: str, context: Any) -> None:  # noqa: ANN401
    """Append the lines of a file to a table."""
    compression = "gzip" if Path(path).read_bytes().startswith(GZIP) else "none"
    statement = f"COPY {table} FROM ? (FORMAT JSON, COMPRESSION {compression})"
    context.engine.execute(statement, [path])


def install_extensions(home: Path) -> None:
    """Put the extensions where DuckDB installs them."""
    [[platform]] = duckdb.execute("PRAGMA platform").fetchall()
    folder = home / ".duckdb/extensions" / f"v{duckdb.__version__}" / platform
    folder.mkdir(parents=True)
    for package in (duckdb_extension_avro, duckdb_extension_spatial):
        (extension,) = Path(*package.__path__).glob("extensions/*/*.duckdb_extension")
        shutil.copy(extension, folder)


def main() -> int:
    import_module("this_machine_only").block_other_machines()
    if executor._LOAD_FORMAT_HANDLERS.get(FORMAT) is not executor._load_json:
        message = "bqemulator loads JSON lines in another way: see whether it reads gzip now"
        raise RuntimeError(message)
    executor._LOAD_FORMAT_HANDLERS[FORMAT] = load_json
    with TemporaryDirectory() as home, ThreadingHTTPServer(("127.0.0.1", 0), Tokens) as tokens:
        os.environ["HOME"] = home
        install_extensions(Path(home))
        Thread(target=tokens.serve_forever, daemon=True).start()
        key = credentials(f"http://127.0.0.1:{tokens.server_port}/token")
        CREDENTIALS.write_text(json.dumps(key), encoding="utf-8")
        ephemeral = ("start", "--ephemeral", "--rest-port=0", "--grpc-port=0")
        return int(cli.main(ephemeral))


if __name__ == "__main__":
    sys.exit(main())
