"""What an analyst sees and touches: panels for notebooks and dashboards."""

from workbench.widgets.audit import audit
from workbench.widgets.casefile import casefile
from workbench.widgets.footage import footage
from workbench.widgets.indexing import indexing
from workbench.widgets.investigate import investigate
from workbench.widgets.model import Investigation
from workbench.widgets.review import review
from workbench.widgets.thresholds import thresholds

__all__ = [
    "Investigation",
    "audit",
    "casefile",
    "footage",
    "indexing",
    "investigate",
    "review",
    "thresholds",
]
