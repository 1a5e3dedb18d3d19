"""Embedded demo: an hour in Fennmouth, a town that does not exist.

All its people are fictional and rendered; no picture of a real person is involved. The files come
with the installation; ``tools/fennmouth`` in the repository rendered them:

>>> town = demo_town()
>>> sorted(town.photographs)
['Edwin Marsh', 'Imani Cole', 'Maren Holt', 'Tobias Reed']

Scores of rendered faces say nothing about real ones: the demo has its own calibration.
:func:`open_demo` indexes the town if it must be, and hands over what a search takes.
"""

import importlib as _importlib

from workbench.fennmouth import Appearance, DemoTown, demo_town

# What opens the demo needs models and a gallery, which few who look at its files do.
_LATER = ("OpenDemo", "open_demo")

__all__ = ["Appearance", "DemoTown", "OpenDemo", "demo_town", "open_demo"]


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_importlib.import_module(f"{__name__}.opened"), name)


def __dir__() -> list[str]:
    return __all__
