"""Gallery: tracklets and templates of indexed footage, written by one process at a time."""

from workbench.gallery.store import Gallery

__all__ = ["Gallery"]
