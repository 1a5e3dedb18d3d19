"""Facts that the file of a picture states: when and with what it was made.

None of it is proof: whoever writes a file can write anything into it, or nothing.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from datetime import date, datetime

from PIL import Image as Pictures

from workbench.faces.photographs import FORMATS, read_photograph

# Digital source types of the IPTC (cv.iptc.org/newscodes/digitalsourcetype) whose pictures are not
# photographs, or not of one scene. They stand in XMP, and in the manifests of C2PA.
NOT_PHOTOGRAPHS = {
    "algorithmicMedia": "made by a program",
    "composite": "a composite",
    "compositeCapture": "a composite",
    "compositeSynthetic": "a composite",
    "compositeWithTrainedAlgorithmicMedia": "partly generated",
    "dataDrivenMedia": "made by a program",
    "digitalArt": "drawn",
    "digitalCreation": "drawn",
    "softwareImage": "made by a program",
    "trainedAlgorithmicMedia": "generated",
    "virtualRecording": "rendered",
}
_SOURCE_TYPE = re.compile(rb"digitalsourcetype/([A-Za-z]{3,60})")
_SOFTWARE, _EXIF, _TAKEN = 0x0131, 0x8769, 0x9003
LONGEST_SOFTWARE = 60
# Of grey levels of 256, those of ink and of paper; a photograph has most of its pixels between.
INK, PAPER, HARDLY_ANY = 40, 215, 0.1


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Statements of a picture's file, and whether the picture has but ink and paper."""

    taken: date | None = None
    software: str = ""  # that wrote the file
    made_as: str = ""  # how, if the file says that it is not a photograph
    few_tones: bool = False


def read_file_facts(content: bytes, name: str) -> FileFacts:
    """Read what a picture's file says of itself.

    A line drawing or a photocopy is known by its grey levels; a shaded drawing, a composite or a
    generated picture is not, unless its file says so.

    Raises ImageError if it cannot be read.
    """
    shown = read_photograph(content, name)
    made_as = next(
        (
            NOT_PHOTOGRAPHS[kind]
            for kind in (found.decode() for found in _SOURCE_TYPE.findall(content))
            if kind in NOT_PHOTOGRAPHS
        ),
        "",
    )
    software, taken = _tags(content)
    grey = shown.mean(axis=2)
    between = float(((grey > INK) & (grey < PAPER)).mean())
    return FileFacts(taken, software, made_as, bool(between < HARDLY_ANY and grey.std() > INK))


def _tags(content: bytes) -> tuple[str, date | None]:
    """Read program and date from the EXIF of a picture that can be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pictures.open(io.BytesIO(content), formats=FORMATS) as picture:
                exif = picture.getexif()
                taken = exif.get_ifd(_EXIF).get(_TAKEN, "")
                software = str(exif.get(_SOFTWARE, ""))
    except Exception:
        # EXIF is written by everything from phones to scripts, and reading it ends in half a dozen
        # kinds of exception. What cannot be read says nothing.
        return "", None
    software = "".join(c for c in software if c.isprintable()).strip()[:LONGEST_SOFTWARE]
    try:
        return software, datetime.strptime(str(taken)[:10], "%Y:%m:%d").date()  # noqa: DTZ007
    except ValueError:
        return software, None
