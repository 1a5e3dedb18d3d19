"""Where tracklets and templates live: one DuckDB file, written by one process."""

from workbench.gallery.store import Gallery

__all__ = ["Gallery"]
