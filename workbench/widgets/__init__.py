"""What an analyst sees and touches: panels for notebooks and dashboards."""

from workbench.widgets.investigate import investigate
from workbench.widgets.model import Investigation

__all__ = ["Investigation", "investigate"]
