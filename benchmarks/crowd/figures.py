"""What a server process has used so far."""

import os
import time
from pathlib import Path

from benchmarks.crowd.pipes import Record

_MB = 1e6


def used() -> Record:
    """Return CPU time of all threads [s], and memory that is resident [MB]."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {"cpu_s": time.process_time(), "rss_mb": pages * os.sysconf("SC_PAGE_SIZE") / _MB}
