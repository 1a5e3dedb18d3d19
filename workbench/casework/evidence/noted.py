"""Notes and viewings as rows of texts, for reports and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from workbench.casework.viewing import DETAILS

if TYPE_CHECKING:
    from workbench.casework.notes import Note
    from workbench.casework.viewing import Viewing

Local = Callable[[datetime], str]
"""Format a time (UTC) as the reader's local one."""


def note_rows(found: Iterable[Note], local: Local) -> list[tuple[str, str, str, str]]:
    """Return when each note was written, by whom, about what, and its text."""
    return [
        (
            local(note.at),
            note.by,
            _about(note, local),
            f"{note.text} (withdrawn by {note.withdrawn})" if note.withdrawn else note.text,
        )
        for note in found
    ]


def _about(note: Note, local: Local) -> str:
    if note.moment is None:
        return note.title
    timing = f" ({note.timing})" if note.timing else ""
    return f"{note.title}, {local(note.moment)}{timing}"


def viewing_rows(found: Iterable[Viewing], local: Local) -> list[tuple[str, ...]]:
    """Return recording, camera, from, to, how it was shown, by whom, and when, of each viewing."""
    return [
        (
            one.recording,
            one.camera_id,
            local(one.since) + (f" ({one.timing})" if one.timing else ""),
            local(one.until),
            f"{DETAILS[one.detail]}: {one.reason}" if one.reason else DETAILS[one.detail],
            one.by,
            local(one.at),
        )
        for one in found
    ]
