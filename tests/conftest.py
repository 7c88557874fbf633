"""What every test may use: hypothesis profiles and the folder of recorded data."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

ROOT = Path(__file__).resolve().parents[1]

# No deadline, and slow first examples are no fault: the first call of a kernel compiles it.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True, database=None)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")
settings.load_profile(PROFILE)

if PROFILE == "ci":
    # hypothesis also draws numbers and texts that it finds in those modules of the project that happen to be loaded:
    # which these are depends on what else a worker has run, and what is drawn would too
    NOTHING_LOCAL = providers._local_constants
    providers._get_local_constants = lambda: NOTHING_LOCAL


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of recorded sessions, loads and prices; the test is skipped where it is not there."""
    folder = Path(os.environ.get("GRIDPILOT_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no recorded data in {folder}; set GRIDPILOT_DATA")
    return folder
