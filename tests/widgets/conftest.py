"""An investigation of three clips of rendered people, without a kernel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.installation import Installation
from workbench.widgets.investigate.model import Investigation


@pytest.fixture
def asked(small_town: Path, training: str, calibrated_on_the_demo: Installation) -> Investigation:
    return Investigation(small_town, installation=calibrated_on_the_demo)


@pytest.fixture(scope="session")
def probe(wanted: tuple[Path, ...]) -> Callable[[int], bytes]:
    """``probe(2)``: the content of the second photograph of the wanted person."""
    return lambda number: wanted[number - 1].read_bytes()
