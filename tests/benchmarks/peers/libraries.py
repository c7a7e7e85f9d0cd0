"""The imports of other libraries that a run of the tap needs, and nothing else."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import sys
from pathlib import Path

gc.disable()  # as the tap does
for name in json.loads(Path(sys.argv[1]).read_bytes()):
    with contextlib.suppress(ImportError):  # some modules exist only while another one runs
        importlib.import_module(name)
gc.freeze()  # likewise
