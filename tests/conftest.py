"""What holds for every test: random tests are repeatable, and no machine is too slow for them.

The helper modules beside this file (``small_pc``) are imported by name.
"""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ringside", deadline=None, derandomize=True, print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ringside")
sys.path.insert(0, str(Path(__file__).parent))



def pytest_collection_finish() -> None:
    """What is loaded by now stays: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


# A shell's background job ignores Ctrl-C, and so would the programs the tests start and stop.
signal.signal(signal.SIGINT, signal.default_int_handler)
