"""The embedded demo: an hour in Fennmouth, a town that does not exist.

Everybody in it is fictional and rendered; no picture of a real person is involved. The rendered
files come with the installation, and ``tools/fennmouth`` in the repository made them:

>>> town = demo_town()
>>> sorted(town.photographs)
['Edwin Marsh', 'Imani Cole', 'Maren Holt', 'Tobias Reed']

How alike two rendered faces are says nothing about real ones: the demo has a calibration of its
own.
"""

from workbench.demo.place import Appearance, DemoTown, demo_town

__all__ = ["Appearance", "DemoTown", "demo_town"]
