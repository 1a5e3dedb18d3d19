"""The report of a case, for people: as HTML and as PDF, saying the same."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from fpdf import FPDF
from fpdf.fonts import FontFace
from PIL import Image, UnidentifiedImageError

from workbench.casework.evidence.drawings import GREY, INK, MARK, WIDTH, Colour, Sketch
from workbench.casework.reviewing.review import SAME_FROM, SCALE
from workbench.casework.training import TRAINING_NOTICE

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.record.chain import Entry, Head
    from workbench.casework.reviewing.review import ErrorRate, Reviewed
    from workbench.domain import Candidate, Profile, Threshold

LEAD = (
    "A match is a lead, never an identification. No measure against anybody may rest on it alone."
)
METHOD = (
    "Faces in the recordings were detected and followed; of each pass of a face before a camera "
    "(tracklet) the best shots were turned into templates. Each search compared the probe, made "
    "from the photographs of the subject, with every template inside the stated district and time "
    "and nowhere else; it is exact, not approximate. Tracklets that reached the threshold are "
    "candidates. Examiners then compared candidates with the photographs, feature by feature, "
    "without seeing the score, the place or the time, or what others had concluded; some faces in "
    "their lists were fillers, known to be other people. A candidate is a sighting only where two "
    f"examiners independently found at least {SCALE[SAME_FROM]}; where the first two differed, a "
    "third decided."
)
LIMITS = (
    "Whoever was not recorded, turned away, was hidden or was too small to be seen is not found: "
    "the absence of a candidate does not show that somebody was not there.",
    "Twins and others who look alike can reach any score. Error rates of face recognition differ "
    "between groups of people (NISTIR 8280); the figures given were not measured on every group.",
    "Times are those of the recordings; a camera's clock may be wrong.",
    "Scores belong to one model profile and its calibration, and mean nothing beside another's.",
)
_FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A candidate that people considered."""

    number: int
    item: Reviewed
    candidate: Candidate | None  # None where its pictures have been deleted


@dataclass(frozen=True, slots=True)
class Source:
    """A recording a candidate was seen in, hashed when it was indexed and again now."""

    file: str
    camera_id: str
    indexed_sha256: str
    now_sha256: str  # empty where the file is not to be had

    @property
    def available(self) -> bool:
        """Whether the file was there to be hashed again."""
        return bool(self.now_sha256)

    @property
    def changed(self) -> bool:
        """Whether the file is there and is not what was indexed."""
        return self.available and self.now_sha256 != self.indexed_sha256

    @property
    def state_text(self) -> str:
        """Result of the second look, in words."""
        if not self.available:
            return "not available: could not be checked again"
        return "CHANGED since indexing" if self.changed else "unchanged"


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that the report of a case says."""

    case: Case
    photographs: tuple[bytes, ...]  # JPEG, of the subject
    searches: tuple[tuple[Entry, Entry | None], ...]  # asked, answered
    refused: int
    findings: tuple[Finding, ...]
    fillers: int  # mixed in among them
    error_rates: tuple[ErrorRate, ...]
    sources: tuple[Source, ...]
    clips: tuple[str, ...]  # names of files
    profile: Profile
    threshold: Threshold
    places: Sketch
    times: Sketch
    zone: ZoneInfo
    made_at: datetime  # UTC
    made_by: str
    head: Head

    @property
    def title(self) -> str:
        return f"Case {self.case.reference}"

    def local(self, moment: datetime) -> str:
        """A time as clocks showed it where the cameras stand."""
        return f"{moment.astimezone(self.zone):%d %b %Y %H:%M:%S %Z}"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with paragraphs, a table (the first row its headings), pictures or a sketch."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    widths: tuple[float, ...] = ()  # of the columns, relative
    pictures: tuple[tuple[bytes, str], ...] = ()
    sketch: Sketch | None = None
    warning: str = ""  # shown in red, before the paragraphs


def sections(told: Dossier) -> list[Section]:
    """What both forms of the report say, in their order."""
    request = told.case.request
    facts = [
        ("", ""),
        ("Reference", told.case.reference),
        ("Title", request.title),
        ("Purpose", request.purpose),
        ("Legal basis", request.legal_basis),
        ("Authorised by", f"{request.authority} ({request.authorisation})"),
        ("Asked by", f"{told.case.asked_by}, {told.local(told.case.asked_at)}"),
        ("Approved by", ", ".join(told.case.approved_by) or "nobody"),
        ("Beyond the limits in", "; ".join(told.case.exceeds)),
        ("Area", request.district.name),
        ("Footage", f"{told.local(request.start)} to {told.local(request.end)}"),
        ("Valid", f"{told.local(request.valid_from)} to {told.local(request.valid_until)}"),
        ("Status", told.case.status(told.made_at)),
        ("Subject", request.subject.description if request.subject else ""),
    ]
    found = [finding for finding in told.findings if finding.item.outcome == "sighting"]
    return [
        Section(
            "Case",
            (),
            tuple(row for row in facts if row[1] or not row[0]),
            (1, 4),
            tuple((jpeg, f"Subject, {n}") for n, jpeg in enumerate(told.photographs, 1)),
            warning=TRAINING_NOTICE if told.case.is_training else "",
        ),
        Section(
            "Result",
            (
                f"Searches: {len(told.searches)}. Candidates considered: {len(told.findings)}; "
                f"{len(found)} of them are sightings. {LEAD}",
            ),
        ),
        Section("Where", sketch=told.places),
        Section("When", (f"Times of {told.zone.key}.",), sketch=told.times),
        Section(
            "Searches",
            (f"{told.refused} attempts were refused.",) if told.refused else (),
            _searches(told),
            (2.2, 1.2, 2, 3.4, 1, 1.3),
        ),
        Section(
            "Candidates considered, and what was decided",
            () if told.findings else ("None was put on the review list.",),
            _findings(told),
            (0.5, 2.2, 2.4, 0.8, 1.5, 4),
            tuple(
                (finding.candidate.shot_jpeg, f"{finding.number}: {finding.item.outcome}")
                for finding in told.findings
                if finding.candidate is not None
            ),
        ),
        Section(
            "Method and model",
            (
                METHOD,
                f"Model profile {told.profile.name} ({told.profile.fingerprint}): detector "
                f"{told.profile.detector}, recogniser {told.profile.recogniser}, alignment "
                f"{told.profile.alignment}, {told.profile.metric}, templates of "
                f"{told.profile.dimension} numbers. Weights: "
                + "; ".join(f"{name} {sha256}" for name, sha256 in told.profile.weights),
                f"Threshold by default {told.threshold.score:g}, set on "
                f"{told.threshold.calibration}.",
            ),
        ),
        Section(
            "Known error rates of the examiners",
            (
                f"{told.fillers} fillers were mixed into this case's list. Over all cases, how "
                "often each examiner took a filler for the subject:",
            ),
            _rates(told.error_rates),
            (2, 1, 1, 2),
        ),
        Section("Limits", LIMITS),
        Section(
            "Source recordings",
            ("Hashed when they were indexed, and again for this report.",),
            (
                ("Recording", "Camera", "SHA-256 when indexed", "Now"),
                *((s.file, s.camera_id, s.indexed_sha256, s.state_text) for s in told.sources),
            ),
            (2, 1, 4, 2),
        ),
        Section(
            "This report",
            (
                f"Made {told.local(told.made_at)} by {told.made_by}. Head of the record: "
                f"{told.head}. Keep it elsewhere: with it, any later change of the record before "
                "this report is seen.",
                (
                    f"Clips, with everybody else blurred: {', '.join(told.clips)}."
                    if told.clips
                    else "There are no clips in this archive, only best shots."
                ),
            ),
        ),
    ]


def _searches(told: Dossier) -> tuple[tuple[str, ...], ...]:
    rows = [("When", "Who", "District", "Time searched (UTC)", "Threshold", "Candidates")]
    for asked, answered in told.searches:
        about = asked.about
        rows.append(
            (
                told.local(asked.at),
                asked.account,
                str(about["district"]),
                f"{about['start']} to {about['end']}",
                "none" if about["threshold"] is None else f"{about['threshold']:g}",
                "not answered" if answered is None else str(answered.about["candidates"]),
            )
        )
    return tuple(rows)


def _findings(told: Dossier) -> tuple[tuple[str, ...], ...]:
    rows = [("", "Camera", "Seen", "Score", "Outcome", "Conclusions")]
    for finding in told.findings:
        seen = finding.candidate
        decisions = [
            f"{d.examiner}, {told.local(d.at)}: {d.words}. {d.reason} ("
            + ", ".join(f"{name} {what}" for name, what in d.features.items())
            + ")"
            for d in finding.item.decisions
        ]
        rows.append(
            (
                str(finding.number),
                f"{seen.camera.name} ({seen.camera.camera_id})" if seen else "deleted",
                told.local(seen.first_seen) if seen else "deleted",
                "" if finding.item.score is None else f"{finding.item.score:.3f}",
                finding.item.outcome,
                " | ".join(decisions) or "none yet",
            )
        )
    return tuple(rows) if len(rows) > 1 else ()


def _rates(rates: Sequence[ErrorRate]) -> tuple[tuple[str, ...], ...]:
    rows = [("Examiner", "Fillers", "Wrong", "Rate, with its 95 % interval")]
    for rate in rates:
        low, high = rate.interval
        share = f"{rate.rate:.1%} ({low:.1%} to {high:.1%})"
        rows.append((rate.reviewer, str(rate.fillers), str(rate.wrong), share))
    return tuple(rows) if len(rows) > 1 else (*rows, ("nobody has had fillers yet", "", "", ""))


# --- HTML -------------------------------------------------------------------------------------

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;color:#1e1e1e;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem}h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #ccc;padding:.3rem .5rem;"
    "text-align:left;vertical-align:top;overflow-wrap:anywhere}figure{display:inline-block;"
    "margin:.5rem}img{max-height:9rem;display:block}figcaption{font-size:.85rem}"
    ".warning{background:#b02020;color:#fff;padding:.6rem 1rem;font-weight:600}"
)


def as_html(told: Dossier) -> bytes:
    """One file without scripts; whatever people wrote is escaped."""
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; "
        "img-src data:; style-src 'unsafe-inline'\">",
        f"<title>{html.escape(told.title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(told.title)}</h1>",
    ]
    for section in sections(told):
        parts.append(f"<h2>{html.escape(section.heading)}</h2>")
        if section.warning:
            parts.append(f"<p class='warning'>{html.escape(section.warning)}</p>")
        parts += [f"<p>{html.escape(text)}</p>" for text in section.paragraphs]
        parts.append(_html_table(section.table))
        for jpeg, words in section.pictures:
            data = base64.b64encode(jpeg).decode("ascii")
            parts.append(
                f"<figure><img src='data:image/jpeg;base64,{data}' alt=''>"
                f"<figcaption>{html.escape(words)}</figcaption></figure>"
            )
        if section.sketch:
            parts.append(section.sketch.svg())
    return "".join([*parts, "</body></html>\n"]).encode("utf-8")


def _html_table(rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    heads = "".join(f"<th>{html.escape(cell)}</th>" for cell in rows[0])
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows[1:]
    )
    top = f"<thead><tr>{heads}</tr></thead>" if any(rows[0]) else ""
    return f"<table>{top}<tbody>{body}</tbody></table>"


# --- PDF --------------------------------------------------------------------------------------


def as_pdf(told: Dossier) -> bytes:
    """The same on A4. Letters that no font at hand has are shown as ``?``; the HTML has them."""
    pdf = FPDF()
    pdf.set_margin(15)
    pdf.set_auto_page_break(True, margin=18)
    pdf.set_draw_color(*GREY)
    pdf.set_fill_color(255, 255, 255)
    write = _use_font(pdf)
    pdf.set_title(write(told.title))
    pdf.set_creation_date(told.made_at)
    pdf.add_page()
    _words(pdf, write(told.title), 16)
    for section in sections(told):
        _pdf_section(pdf, section, write)
    return bytes(pdf.output())


def _pdf_section(pdf: FPDF, section: Section, write: Callable[[str], str]) -> None:
    needed = 20 + (section.sketch.height if section.sketch else 0)
    if pdf.will_page_break(min(needed, 220)):
        pdf.add_page()
    pdf.ln(3)
    _words(pdf, write(section.heading), 12)
    if section.warning:
        _words(pdf, write(section.warning), 9, MARK)
    for text in section.paragraphs:
        _words(pdf, write(text), 9)
    if section.table:
        pdf.set_font_size(7.5)
        heads = "SINGLE_TOP_LINE" if any(section.table[0]) else "NONE"
        rows = section.table if any(section.table[0]) else section.table[1:]
        with pdf.table(
            width=int(WIDTH),
            col_widths=section.widths,
            first_row_as_headings=heads != "NONE",
            headings_style=_plain_headings(pdf),
            line_height=4,
            text_align="LEFT",
        ) as table:
            for cells in rows:
                table.row([write(cell) for cell in cells])
    _pdf_pictures(pdf, section.pictures, write)
    if section.sketch:
        section.sketch.draw(pdf, write)


def _plain_headings(pdf: FPDF) -> Any:
    return FontFace(emphasis="", fill_color=(235, 235, 235), size_pt=pdf.font_size_pt)


def _pdf_pictures(
    pdf: FPDF, pictures: Sequence[tuple[bytes, str]], write: Callable[[str], str]
) -> None:
    size, gap = 26.0, 4.0
    for at, (jpeg, words) in enumerate(pictures):
        column = at % 6
        if column == 0:
            if pdf.will_page_break(size + 10):
                pdf.add_page()
            pdf.ln(3)
            top = pdf.get_y()
        x = pdf.l_margin + column * (size + gap)
        try:
            picture = Image.open(BytesIO(jpeg)).convert("RGB")
        except (UnidentifiedImageError, OSError):
            words = f"{words} (its picture cannot be read)"
        else:
            picture.thumbnail((300, 300))
            pdf.image(picture, x, top, size, size, keep_aspect_ratio=True)
        pdf.set_font_size(6.5)
        pdf.set_xy(x, top + size)
        pdf.multi_cell(size, 3, write(words), align="C")
        last = column == 5 or at == len(pictures) - 1
        pdf.set_xy(pdf.l_margin, top + size + 7 if last else top)


def _words(pdf: FPDF, text: str, size: float, colour: Colour = INK) -> None:
    pdf.set_font_size(size)
    pdf.set_text_color(*colour)
    pdf.set_x(pdf.l_margin)
    pdf.multi_cell(WIDTH, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.set_text_color(*INK)
    pdf.ln(1)


def _use_font(pdf: FPDF) -> Callable[[str], str]:
    """Set a font with as many letters as this machine has; how text is made to fit it."""
    for path in _FONTS:
        if Path(path).is_file():
            pdf.add_font("report", fname=path)
            pdf.set_font("report", size=9)
            return lambda text: text
    pdf.set_font("Helvetica", size=9)
    return lambda text: text.encode("latin-1", "replace").decode("latin-1")
