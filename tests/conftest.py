"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SHARED = Path(os.environ.get("SIGHTLINE_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real footage, faces and models, which are not part of the repository."""
    if not (SHARED / "footage").is_dir():
        pytest.skip(f"no test material at {SHARED}; set SIGHTLINE_SHARED to its folder")
    return SHARED
