"""The one family of exceptions: each says what was wrong, where, and what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

# No room on the disk, for this account, or for a file of this size.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class SightlineError(Exception):
    """Base of every error raised on purpose.

    Parameters
    ----------
    what : str
        What was wrong, as a phrase without a full stop.
    where : str, optional
        The file, row, field or object it concerns; comes first in the message.
    fix : str, optional
        What the reader can do about it, as a sentence without its full stop.

    Examples
    --------
    >>> print(NoFaceFound("no face of at least 40 px", where="photo.jpg", fix="Come closer"))
    photo.jpg: no face of at least 40 px. Come closer.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        place = f"{where}: " if where else ""
        advice = f" {fix}." if fix else ""
        super().__init__(f"{place}{what}.{advice}")

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default reduction, and errors cross processes.
        return (_rebuild, (type(self), self.what, self.where, self.fix, self.__dict__))


def _rebuild(
    cls: type[SightlineError], what: str, where: str, fix: str, state: dict[str, object]
) -> SightlineError:
    error = cls.__new__(cls)
    SightlineError.__init__(error, what, where=where, fix=fix)
    error.__dict__.update(state)
    return error


class SettingsError(SightlineError):
    """A setting has a value that cannot be used."""


class CatalogueError(SightlineError):
    """The list of cameras or recordings cannot be used, or one of its rows cannot."""


class TimeError(SightlineError):
    """A time without an offset, a time that does not exist, or an end before its start."""


class RecordingError(SightlineError):
    """A recording cannot be read, in whole or in part."""


class ImageError(SightlineError):
    """A photograph cannot be read or is unreasonably large."""


class NoFaceFound(ImageError):
    """A photograph shows no face that can be used as a probe."""


class SeveralFacesFound(ImageError):
    """A photograph shows several faces and none was chosen.

    ``count`` is the number of faces found, numbered from 1 by size, largest first.
    """

    count: int = 0

    def __init__(self, what: str, *, where: str = "", fix: str = "", count: int = 0) -> None:
        super().__init__(what, where=where, fix=fix)
        self.count = count


class ModelError(SightlineError):
    """A model profile is unknown, or its weights are missing or not the expected ones."""


class NotCalibrated(ModelError):
    """A model profile has no calibration, so that nothing says what its scores mean."""


class DistrictError(SightlineError):
    """A district is not a polygon on the globe, crosses itself, is empty or holds no camera."""


class GalleryError(SightlineError):
    """A gallery cannot be opened, read or written."""


class GalleryBusy(GalleryError):
    """Another process holds the gallery open for writing."""


class ProfileMismatch(GalleryError):
    """Templates of two model profiles would have met."""


class CaseError(SightlineError):
    """A case is unknown, incomplete, or not in a state in which this can be done with it."""


class NotPermitted(SightlineError):
    """The role of a person, or their case, does not cover what they asked for."""


class AuditDamaged(SightlineError):
    """The record of casework is not what was written."""


class AuditBusy(SightlineError):
    """Another process holds the record of casework for too long."""


class EvidenceError(SightlineError):
    """An evidence archive cannot be made, or is not what was signed."""


class EvaluationError(SightlineError):
    """Evaluation data cannot be used, or is too little."""


class MapError(SightlineError):
    """A map cannot be drawn without something this machine does not have."""


class Cancelled(SightlineError):
    """Long work was stopped on request; what was finished is kept."""


class ServerError(SightlineError):
    """A server cannot be reached, does not know who asks, or has too much to do."""


class TooManyRequests(ServerError):
    """A server does as much for a person as it does at once.

    ``seconds`` is the time after which it is worth asking again.
    """

    seconds: int = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "", seconds: int = 1) -> None:
        super().__init__(what, where=where, fix=fix)
        self.seconds = seconds


def is_full(error: BaseException) -> bool:
    """Return True if an error says that the disk is full; libraries say it in their words alone."""
    told = isinstance(error, OSError) and error.errno in _FULL
    return told or any(os.strerror(number) in str(error) for number in _FULL)


def is_interrupt(error: BaseException | None) -> bool:
    """Return True if an error is what came of Ctrl-C.

    A module in C that is being loaded at that moment, for one, fails with another error.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def unwritten(error: BaseException, *, fix: str) -> tuple[str, str]:
    """Return what was wrong when something could not be written, and what to do about it.

    *fix* is what helps if the disk is not full.
    """
    if is_full(error):
        return (
            "cannot be written: the disk is full",
            "Free some space on it and do this again; what was stored before is kept",
        )
    reason = getattr(error, "strerror", None) or (str(error).splitlines() or [repr(error)])[0]
    return f"cannot be written ({reason})", fix


def refuse_others(path: Path, error: OSError) -> None:
    """Raise NotPermitted if *error* is that what is at *path* is another account's alone."""
    if not isinstance(error, PermissionError):
        return
    import pwd  # only where there are accounts to tell apart

    for place in (path, *path.parents):  # up to one that may be looked at from outside
        try:
            uid = place.stat().st_uid
        except OSError:
            continue
        if uid == os.geteuid():
            return
        try:
            owner = pwd.getpwuid(uid).pw_name
        except KeyError:
            owner = f"the account with number {uid}"
        raise NotPermitted(
            f"belongs to {owner} alone",
            where=str(path),
            fix=f"Work on the pages of its server, or run the command as {owner}",
        ) from None


def is_there(path: Path) -> bool:
    """Check that there is something at *path*; raise NotPermitted if it is another account's alone.

    It is not opened for that: closing a file takes locks on it away from the whole process.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        refuse_others(path, error)
        raise
    if not os.access(path, os.R_OK, effective_ids=True):
        refuse_others(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    return True


def gallery_is_there(path: Path) -> bool:
    """Check that there is a gallery at *path*, or a file that may be one's.

    The file that people name may be missing: whoever writes the gallery writes it again. Raises
    NotPermitted as :func:`is_there` does.
    """
    return is_there(path) or is_there(path.with_name(f"{path.name}.gallery"))
