"""Run a program of this environment that reaches no other machine: `… PROGRAM [ARGUMENT…]`.

A process that looks up, or connects to, another machine ends at once: an exception could be caught,
and the connection tried again.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
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


if __name__ == "__main__":
    block_other_machines()
    sys.argv = sys.argv[1:]
    (program,) = entry_points(group="console_scripts", name=sys.argv[0])
    sys.exit(program.load()())
