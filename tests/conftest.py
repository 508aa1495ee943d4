"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real scans, which are no part of the project; skips where it is not there."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("NODULEFLOW_REAL_DATA", beside))
    if not (folder / "luna16_sample").is_dir():
        pytest.skip(f"no real data in {folder}: set NODULEFLOW_REAL_DATA")
    return folder
