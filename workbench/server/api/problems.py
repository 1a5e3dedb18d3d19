"""Errors as the API answers them: their status, and no place of the server in their words."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from copy import copy
from pathlib import Path

from workbench import errors
from workbench.errors import CaseError, NotPermitted, SightlineError


class NotFound(SightlineError):
    """There is nothing of that name, or it is not for whoever asks."""


class BadInput(SightlineError):
    """The request cannot be understood."""


# What each kind of error is in HTTP; the first that fits counts.
_STATUS: tuple[tuple[type[SightlineError], int], ...] = (
    (NotFound, 404),
    (BadInput, 422),
    (NotPermitted, 403),
    (errors.GalleryBusy, 503),
    (errors.AuditBusy, 503),
    (errors.DistrictError, 422),
    (errors.TimeError, 422),
    (errors.ImageError, 422),
    (errors.ProfileMismatch, 422),
    (errors.NotCalibrated, 409),
    (CaseError, 409),
    (errors.EvaluationError, 409),
    (errors.TooManyRequests, 429),
    (errors.RecordingError, 409),
)
# An absolute path of at least two parts, and none within an address.
_BEFORE = r"(?<![\w.~/:<-])"
_PATH = re.compile(_BEFORE + r"/(?:[^\s/:;,'\"`()<>]+/)+([^\s/:;,'\"`()<>]*)")
# Their words name what was sent, and that may look like a path.
_OF_WHAT_WAS_SENT = (NotFound, BadInput, CaseError)


def status_of(error: SightlineError) -> int:
    """Return the status of HTTP that goes with an error."""
    if "the disk is full" in error.what:  # as errors.unwritten says it
        return 507
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def without_places(error: SightlineError, folders: Iterable[Path]) -> SightlineError:
    """Return an error that names files by their names alone.

    *folders* are those of the installation; other paths are known by their form.
    """
    known = {str(folder) for folder in (*folders, Path(tempfile.gettempdir()))} - {"/"}
    longest_first = sorted(known, key=len, reverse=True)

    def bare(text: str) -> str:
        for folder in longest_first:
            inside = rf"{_BEFORE}{re.escape(folder)}/(?:[^\s/:;,'\"`]+/)*(?=[^\s/])"
            text = re.sub(inside, "", text)
        return text if isinstance(error, _OF_WHAT_WAS_SENT) else _PATH.sub(_name, text)

    made = copy(error)
    where = error.where
    if where.startswith("/") and not isinstance(error, _OF_WHAT_WAS_SENT):
        where = where.rpartition("/")[2]  # whatever the names of its folders hold, spaces too
    made.what, made.where, made.fix = map(bare, (error.what, where, error.fix))
    return made


def _name(path: re.Match[str]) -> str:
    return path[1] or "a folder of the server"
