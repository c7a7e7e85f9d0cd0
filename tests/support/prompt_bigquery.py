"""Run target-bigquery on this machine only, without its pauses: `… TARGET [ARGUMENT…]`.

After each new table it sleeps for five seconds, until BigQuery knows the table everywhere. The
emulator knows it at once.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from types import SimpleNamespace

if __name__ == "__main__":
    this_machine_only = import_module("this_machine_only")
    this_machine_only.block_other_machines()
    without_pauses = SimpleNamespace(**{**vars(time), "sleep": lambda _seconds: None})
    import_module("target_bigquery.core").__dict__["time"] = without_pauses
    this_machine_only.run_program(*sys.argv[1:])
