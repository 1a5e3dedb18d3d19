"""Still sheet: the sightings on paper, each in its picture, beside the subject."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from workbench.casework.evidence.contents import LEAD
from workbench.casework.evidence.dossier import Dossier, Finding
from workbench.casework.evidence.drawings import GREY, INK
from workbench.casework.evidence.report import Sheets, words

if TYPE_CHECKING:
    from workbench.domain import Candidate

BLOCK, BOTTOM = 82.0, 280.0  # height of a sighting, and where its page ends, in millimetres
WIDE, HIGH = 108.0, 66.0  # of the whole picture
FACE = 34.0  # of a face
_RIGHT = 128.0


def as_stills(dossier: Dossier, stills: Mapping[int, bytes]) -> bytes:
    """Lay out the sightings as PDF on A4, in the order of time, each with its number.

    *stills* are the pictures around their faces (JPEG) by their numbers in the report; where there
    is none, the sheet says so.
    """
    pdf = Sheets(f"{dossier.title}: stills", dossier.notice)
    pdf.set_creation_date(dossier.made_at)
    shown = [f for f in dossier.findings if f.item.outcome == "sighting" and f.candidate]
    pdf.add_page()
    words(pdf, pdf.write_fitting(f"{dossier.title}: stills"), 14)
    words(pdf, pdf.write_fitting(LEAD), 8)
    told = dossier.facts.items()
    about = "\n".join(f"{name.capitalize()}: {text}" for name, text in told)
    words(pdf, pdf.write_fitting(about), 7)
    top = pdf.get_y() + 2
    for finding in shown:
        if top + BLOCK > BOTTOM:
            pdf.add_page()
            top = pdf.get_y() + 2
        assert finding.candidate is not None
        _block(pdf, dossier, finding, finding.candidate, stills.get(finding.number, b""), top)
        top += BLOCK
    if not shown:
        words(pdf, "There is no sighting to show.", 9)
    return bytes(pdf.output())


def _block(
    pdf: Sheets,
    dossier: Dossier,
    finding: Finding,
    seen: Candidate,
    still: bytes,
    top: float,
) -> None:
    write, left = pdf.write_fitting, pdf.l_margin
    pdf.set_font_size(10)
    pdf.set_xy(left, top)
    pdf.cell(180, 6, write(f"{finding.number}. {seen.camera.words()}"))
    if not _picture(pdf, still, left, top + 7, WIDE, HIGH):
        pdf.rect(left, top + 7, WIDE, HIGH)
        pdf.set_font_size(8)
        pdf.set_text_color(*GREY)
        pdf.set_xy(left + 2, top + 10)
        pdf.multi_cell(WIDE - 4, 4, "The recording is not available: the best shot alone is shown.")
        pdf.set_text_color(*INK)
    faces = [(seen.shot_jpeg, "as recorded"), *((p, "subject") for p in dossier.photographs[:1])]
    for at, (jpeg, caption) in enumerate(faces):
        x = _RIGHT + at * (FACE + 2)
        _picture(pdf, jpeg, x, top + 7, FACE, FACE)
        pdf.set_font_size(7)
        pdf.set_xy(x, top + 7 + FACE)
        pdf.cell(FACE, 4, caption, align="C")
    confirmed = [d.examiner for d in finding.item.decisions if d.verdict == "same"]
    lines = [
        f"First seen: {dossier.local(seen.first_seen)}",
        f"Last seen: {dossier.local(seen.last_seen)}",
        seen.time.remark(dossier.zone),
        f"Recording: {seen.recording}",
        f"Confirmed by: {', '.join(confirmed)}",
    ]
    pdf.set_font_size(7.5)
    pdf.set_xy(_RIGHT, top + 12 + FACE)
    pdf.multi_cell(70, 3.8, write("\n".join(filter(None, lines))), align="L")


def _picture(pdf: Sheets, jpeg: bytes, x: float, y: float, wide: float, high: float) -> bool:
    """Put a picture in; False if there is none that can be read."""
    try:
        picture = Image.open(BytesIO(jpeg)).convert("RGB")
    except (UnidentifiedImageError, OSError):
        return False
    picture.thumbnail((1400, 1400))
    pdf.image(picture, x, y, wide, high, keep_aspect_ratio=True)
    return True
