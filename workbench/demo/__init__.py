"""Embedded demo: an hour in Fennmouth, a town that does not exist.

All its people are fictional and rendered; no picture of a real person is involved. The files come
with the installation; ``tools/fennmouth`` in the repository rendered them:

>>> town = demo_town()
>>> sorted(town.photographs)
['Edwin Marsh', 'Imani Cole', 'Maren Holt', 'Tobias Reed']

Scores of rendered faces say nothing about real ones: the demo has its own calibration.
"""

from workbench.demo.place import Appearance, DemoTown, demo_town

__all__ = ["Appearance", "DemoTown", "demo_town"]
