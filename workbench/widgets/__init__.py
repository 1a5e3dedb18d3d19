"""Pages and panels for notebooks and dashboards."""

from workbench.widgets.audit import audit
from workbench.widgets.cases.page import cases
from workbench.widgets.footage import footage
from workbench.widgets.indexing import indexing
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.page import investigate
from workbench.widgets.people import people
from workbench.widgets.review.page import review
from workbench.widgets.sightings import sightings
from workbench.widgets.thresholds.page import thresholds

__all__ = [
    "Investigation",
    "audit",
    "cases",
    "footage",
    "indexing",
    "investigate",
    "people",
    "review",
    "sightings",
    "thresholds",
]
