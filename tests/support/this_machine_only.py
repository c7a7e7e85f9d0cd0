"""Run a program cut off from other machines: `python this_machine_only.py PROGRAM [ARGUMENT…]`.

The program is one of the environment of this Python. A process that looks up, or connects to,
another machine ends at once: a program could catch an exception, and continue.
"""

from __future__ import annotations

import os
import runpy
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

BLOCKED = 97
"""The exit code of a process that wanted to reach another machine."""

_THIS_MACHINE = (None, "", "localhost", "127.0.0.1", "::1")
_LOOK_UPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_CONNECTIONS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_NOWHERE = 9
"""A port where nothing listens. It is the proxy for libraries whose sockets are not Python's."""


def block_other_machines() -> None:
    """End the process as soon as it looks up, or connects to, any machine but this one."""
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    os.environ.update(dict.fromkeys(names, f"http://127.0.0.1:{_NOWHERE}"))
    os.environ.update(no_proxy="127.0.0.1", NO_PROXY="127.0.0.1")

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        host = port = None
        if event in _LOOK_UPS:
            host = arguments[0]
        elif event in _CONNECTIONS and isinstance(arguments[1], tuple):
            host, port = arguments[1][:2]
        if host not in _THIS_MACHINE or port == _NOWHERE:
            os.write(2, f"Blocked: {event} {host!r}\n".encode())
            os._exit(BLOCKED)

    sys.addaudithook(watch)


def run_program(name: str, *arguments: str) -> None:
    """Run a program of this environment in this process."""
    program = shutil.which(name, path=Path(sys.executable).parent)
    if not program:
        sys.exit(f"{name} is not installed beside {sys.executable}")
    sys.path.remove(str(Path(__file__).parent))  # its modules are none of the program's
    sys.argv = [program, *arguments]
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    block_other_machines()
    run_program(*sys.argv[1:])
