"""Joining of galleries: all of one comes into another of the same profile."""

from __future__ import annotations

import contextlib

from workbench.gallery.adopting import Agreed, Arrival, found_in, settle
from workbench.gallery.exporting import Altered, batches
from workbench.gallery.importing import Arriving, refuse_other_profile
from workbench.gallery.incoming import check_tables
from workbench.gallery.resolving import Reader
from workbench.gallery.writing import Writer


def merge(writer: Writer, other: Reader, *, agreed: Agreed | None = None) -> Arrival:
    """Add all of the *other* gallery; say what came of it.

    Recordings that are in both stay, but take over corrections of their clocks that are more
    specific or newer. *agreed* is called with old and new times before any changes, and if it
    raises, all stay, and what came is there; without it they change without an entry
    (:func:`workbench.casework.clockcorrection.bring_in`). If it is killed, what came by then is
    there, and the rest comes when it is done again.

    Raises
    ------
    ProfileMismatch
        If the profiles differ.
    GalleryError
        If the other one holds a value that cannot be one of a gallery, before anything is added; or
        one of both cannot be read or written.
    """
    refuse_other_profile(writer, other.profile, str(other.path))
    arriving = Arriving(writer)
    checked: set[str] = set()
    # What changes in the other gallery meanwhile comes as it was, or does not come.
    with contextlib.suppress(Altered):
        for tables in batches(other):  # before anything is added
            check_tables(tables, str(other.path))
            arriving.expect(tables)
            checked.update(tables["recordings"]["recording_id"].to_pylist())
        if not checked:  # there are cameras and runs alone
            arriving.add(tables)
    with contextlib.suppress(Altered):
        for tables in batches(other, checked):
            arriving.add(tables)
    return settle(writer, arriving.came, found_in(other.snapshot.manifest), agreed)


__all__ = ["merge"]
