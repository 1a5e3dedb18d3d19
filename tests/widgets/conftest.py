"""An investigation of three real clips, without a kernel."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from workbench.widgets.investigate.model import Investigation


@pytest.fixture
def asked(small_town: Path, training: str) -> Investigation:
    return Investigation(small_town)


@pytest.fixture(scope="session")
def probe(shared: Path) -> Callable[[int], bytes]:
    """``probe(2)``: the content of the second photograph of the wanted person."""
    return lambda number: (shared / f"footage/town/probes/P0229/{number}.jpg").read_bytes()


@pytest.fixture(scope="session")
def two_people(shared: Path) -> bytes:
    """A photograph of the wanted person, at the left, and of somebody else."""
    people = [
        Image.open(shared / "footage/town/probes" / name).convert("RGB")
        for name in ("P0229/1.jpg", "P0269/1.jpg")
    ]
    both = Image.new("RGB", (sum(one.width for one in people), max(one.height for one in people)))
    both.paste(people[0], (0, 0))
    both.paste(people[1], (people[0].width, 0))
    buffer = BytesIO()
    both.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()
