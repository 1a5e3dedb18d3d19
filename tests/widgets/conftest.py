"""An investigation of three clips of rendered people, without a kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.casework.reviewing.triage import take_back
from workbench.installation import Installation
from workbench.widgets.investigate.model import Investigation


@pytest.fixture
def asked(
    small_town: Path, training: str, calibrated_on_the_demo: Installation
) -> Iterator[Investigation]:
    """Under the case that all tests share, with no opinion on a candidate before or after."""
    register = calibrated_on_the_demo.register
    while take_back(register, training):
        pass
    yield Investigation(small_town, installation=calibrated_on_the_demo)
    while take_back(register, training):
        pass


@pytest.fixture(scope="session")
def probe(wanted: tuple[Path, ...]) -> Callable[[int], bytes]:
    """``probe(2)``: the content of the second photograph of the wanted person."""
    return lambda number: wanted[number - 1].read_bytes()
