"""These take minutes: `make test-faults` says how many rounds, and without it they are left out."""

from __future__ import annotations

import os

ROUNDS = int(os.environ.get("DAYBOOK_FAULT_ROUNDS", "0"))

collect_ignore_glob = [] if ROUNDS else ["test_*.py"]
