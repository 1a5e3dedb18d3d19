"""What an analyst sees and touches: panels for notebooks and dashboards."""

from workbench.widgets.footage import footage
from workbench.widgets.indexing import indexing
from workbench.widgets.investigate import investigate
from workbench.widgets.model import Investigation

__all__ = ["Investigation", "footage", "indexing", "investigate"]
