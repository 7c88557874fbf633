"""What every test may use: hypothesis profiles and the folder of recorded data."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# No deadline, and slow first examples are no fault: the first call of a kernel compiles it.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of recorded sessions, loads and prices; the test is skipped where it is not there."""
    folder = Path(os.environ.get("GRIDPILOT_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no recorded data in {folder}; set GRIDPILOT_DATA")
    return folder
