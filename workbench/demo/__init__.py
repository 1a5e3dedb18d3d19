"""The embedded demo: an hour in Fennmouth, a town that does not exist.

Everybody in it is fictional and rendered by the code in this package; no picture of a real person
is involved. The rendered files come with the installation:

>>> town = demo_town()
>>> sorted(town.photographs)
['Edwin Marsh', 'Imani Cole', 'Maren Holt', 'Tobias Reed']

How alike two rendered faces are says nothing about real ones: the demo has a calibration of its
own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.demo.place import Appearance, DemoTown, demo_town

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.domain import ProgressCallback

__all__ = ["Appearance", "DemoTown", "demo_town", "render_town"]


def render_town(directory: Path, progress: ProgressCallback | None = None) -> None:
    """Make all the demo's files again, in *directory*; takes some minutes on one core."""
    from workbench.demo.build import render_town as render  # NumPy, OpenCV and PyAV

    render(directory, progress)
