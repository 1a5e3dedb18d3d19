"""Report of a case as HTML and as PDF, with the same contents."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.fonts import FontFace
from PIL import Image, UnidentifiedImageError

from workbench.casework.evidence.contents import Section, sections
from workbench.casework.evidence.dossier import Dossier
from workbench.casework.evidence.drawings import GREY, INK, MARK, WIDTH, Colour
from workbench.style import FONTS

LONGEST_WORD = 24  # letters; what is longer, such as a digest, may be broken anywhere
_WORD, _HYPHEN = re.compile(r"\S+"), re.compile(r"\w-\w")
CELL_PADDING = 2.6  # millimetres, left and right of a word in a cell
TABLE_SIZE, TABLE_LINE = 7.5, 4.0  # points of a letter, millimetres of a line in a cell
MOST_LINES = 50  # of a row of a table, which is never broken
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;color:#1e1e1e;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem}h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #ccc;padding:.3rem .5rem;"
    "text-align:left;vertical-align:top}td ul{margin:0;padding-left:1rem}"
    ".long{overflow-wrap:anywhere}.word{white-space:nowrap}figure{display:inline-block;"
    "margin:.5rem}img{max-height:9rem;display:block}figcaption{font-size:.85rem}"
    ".warning{background:#b02020;color:#fff;padding:.6rem 1rem;font-weight:600}"
    # Browsers repeat the head of a table on each sheet of paper that it is printed on.
    ".sheets>thead>tr>td,.sheets>tbody>tr>td{border:0;padding:0}"
    ".sheets>thead .warning{margin:0}@media screen{.sheets>thead{position:sticky;top:0}}"
    "@media print{.warning{print-color-adjust:exact}}"
)


def as_html(dossier: Dossier) -> bytes:
    """Render the report as one HTML file without scripts; text that people wrote is escaped."""
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; "
        "img-src data:; style-src 'unsafe-inline'\">",
        f"<title>{html.escape(dossier.title)}</title><style>{_STYLE}</style></head><body>",
    ]
    if dossier.notice:
        parts.append(
            "<table class='sheets' role='presentation'><thead><tr><td>"
            f"<p class='warning' role='note'>{html.escape(dossier.notice)}</p>"
            "</td></tr></thead><tbody><tr><td>"
        )
    parts.append(f"<h1>{html.escape(dossier.title)}</h1>")
    for section in sections(dossier):
        parts.append(f"<h2>{html.escape(section.heading)}</h2>")
        if section.warning and section.warning != dossier.notice:  # which each page has
            parts.append(f"<p class='warning'>{html.escape(section.warning)}</p>")
        parts += [f"<p>{html.escape(text)}</p>" for text in section.paragraphs]
        parts.append(_html_table(section.table))
        for jpeg, caption in section.pictures:
            data = base64.b64encode(jpeg).decode("ascii")
            parts.append(
                f"<figure><img src='data:image/jpeg;base64,{data}' alt=''>"
                f"<figcaption>{html.escape(caption)}</figcaption></figure>"
            )
        if section.sketch:
            parts.append(section.sketch.svg())
    parts.append("</td></tr></tbody></table>" if dossier.notice else "")
    return "".join([*parts, "</body></html>\n"]).encode("utf-8")


def _html_table(rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    heads = "".join(f"<th>{html.escape(cell)}</th>" for cell in rows[0])
    body = "".join(f"<tr>{''.join(map(_html_cell, row))}</tr>" for row in rows[1:])
    top = f"<thead><tr>{heads}</tr></thead>" if any(rows[0]) else ""
    return f"<table>{top}<tbody>{body}</tbody></table>"


def _html_cell(cell: str) -> str:
    """Write a cell; no word is broken, not at a hyphen either, but for digests and the like."""
    lines = [_WORD.sub(_html_word, line) for line in cell.split("\n")]
    if len(lines) == 1:
        return f"<td>{lines[0]}</td>"
    return f"<td><ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul></td>"


def _html_word(found: re.Match[str]) -> str:
    word, escaped = found[0], html.escape(found[0])
    if len(word) > LONGEST_WORD:
        return f"<span class='long'>{escaped}</span>"
    return f"<span class='word'>{escaped}</span>" if _HYPHEN.search(word) else escaped


# --- PDF --------------------------------------------------------------------------------------


def as_pdf(dossier: Dossier) -> bytes:
    """Render the report as PDF on A4.

    Letters missing in the fonts of this machine are shown as ``?``; the HTML has them.
    """
    pdf = Sheets(dossier.title, dossier.notice)
    write = pdf.write_fitting
    pdf.set_creation_date(dossier.made_at)
    pdf.add_page()
    words(pdf, write(dossier.title), 16)
    for section in sections(dossier):
        _pdf_section(pdf, section, write)
    return bytes(pdf.output())


class Sheets(FPDF):
    """Pages of A4, each with its title, its number and, where there is one, a notice.

    Letters missing in the fonts of this machine are shown as ``?``.
    """

    def __init__(self, title: str, notice: str = "") -> None:
        super().__init__()
        self.notice = notice
        self.set_margins(15, 20 if notice else 15)
        self.set_auto_page_break(True, margin=18)
        self.set_draw_color(*GREY)
        self.set_fill_color(255, 255, 255)
        self.write_fitting = _use_font(self)
        self.set_title(self.write_fitting(title))

    def header(self) -> None:
        """Put the notice at the head of each page."""
        if self.notice:
            self.set_xy(self.l_margin, 8)
            words(self, self.write_fitting(self.notice), 9, MARK)
            self.set_y(self.t_margin)

    def footer(self) -> None:
        """Put the title and the number of the page at its foot."""
        self.set_y(-12)
        self.set_font_size(7.5)
        self.cell(0, 4, self.write_fitting(f"{self.title}, page {self.page_no()}"), align="R")


def _pdf_section(pdf: Sheets, section: Section, write: Callable[[str], str]) -> None:
    needed = 20 + (section.sketch.height if section.sketch else _top_of_table(pdf, section, write))
    if pdf.will_page_break(min(needed, 220)):
        pdf.add_page()
    pdf.ln(3)
    words(pdf, write(section.heading), 12)
    if section.warning and section.warning != pdf.notice:  # which each page has
        words(pdf, write(section.warning), 9, MARK)
    for text in section.paragraphs:
        words(pdf, write(text), 9)
    if section.table:
        pdf.set_font_size(TABLE_SIZE)
        heads = "SINGLE_TOP_LINE" if any(section.table[0]) else "NONE"
        rows = section.table if any(section.table[0]) else section.table[1:]
        widths = _widths(pdf, section, write)
        with pdf.table(
            width=int(WIDTH),
            col_widths=widths,
            first_row_as_headings=heads != "NONE",
            headings_style=_plain_headings(pdf),
            line_height=TABLE_LINE,
            text_align="LEFT",
            v_align="TOP",
        ) as table:
            for cells in rows:
                for part in _parts(pdf, [write(_listed(cell)) for cell in cells], widths):
                    table.row(part)
    _pdf_pictures(pdf, section.pictures, write)
    if section.sketch:
        section.sketch.draw(pdf, write)


def _listed(cell: str) -> str:
    """Mark the lines of a cell that has several."""
    return "\n".join(f"- {line}" for line in cell.split("\n")) if "\n" in cell else cell


def _parts(pdf: FPDF, cells: list[str], widths: Sequence[float]) -> Iterator[list[str]]:
    """Break a row higher than a page into several: a row never goes on on the next page."""
    if max(map(len, cells)) < 10 * MOST_LINES:
        yield cells
        return
    lines: list[Any] = [
        pdf.multi_cell(width, TABLE_LINE, cell, dry_run=True, output="LINES")
        for cell, width in zip(cells, widths, strict=True)
    ]
    for first in range(0, max(map(len, lines)), MOST_LINES):
        yield ["\n".join(one[first : first + MOST_LINES]) for one in lines]


def _top_of_table(pdf: Sheets, section: Section, write: Callable[[str], str]) -> float:
    """Height of the headings and the first row: what is above a table stays with them."""
    if not section.table:
        return 0.0
    pdf.set_font_size(TABLE_SIZE)
    widths = _widths(pdf, section, write)
    heights = []
    for row in section.table[:2]:
        lines: list[Any] = [
            pdf.multi_cell(
                width, TABLE_LINE, write(_listed(cell)) or " ", dry_run=True, output="LINES"
            )
            for width, cell in zip(widths, row, strict=True)
        ]
        heights.append(TABLE_LINE * max(map(len, lines)))
    return sum(heights)


def _widths(pdf: FPDF, section: Section, write: Callable[[str], str]) -> tuple[float, ...]:
    return fitting_widths(section, lambda word, _: pdf.get_string_width(write(word)) + CELL_PADDING)


def fitting_widths(section: Section, width_of: Callable[[str, bool], float]) -> tuple[float, ...]:
    """Widen columns, at the cost of the others, until no word of theirs has to be broken.

    *width_of* measures a word, of a heading where the second argument is True, with the padding of
    a cell, in millimetres. Digests and the like are broken all the same.
    """
    columns = list(zip(*section.table, strict=True))
    least = [
        max(
            (
                width_of(word, row == 0)
                for row, cell in enumerate(column)
                for word in cell.split()
                if len(word) <= LONGEST_WORD
            ),
            default=0.0,
        )
        for column in columns
    ]
    total = sum(section.widths)
    widths = [WIDTH * width / total for width in section.widths]
    lacking = sum(max(0.0, need - width) for need, width in zip(least, widths, strict=True))
    spare = sum(max(0.0, width - need) for need, width in zip(least, widths, strict=True))
    share = min(1.0, lacking / spare) if spare else 0.0
    return tuple(
        need if need > width else width - (width - need) * share
        for need, width in zip(least, widths, strict=True)
    )


def _plain_headings(pdf: FPDF) -> Any:
    return FontFace(emphasis="", fill_color=(235, 235, 235), size_pt=pdf.font_size_pt)


def _pdf_pictures(
    pdf: FPDF, pictures: Sequence[tuple[bytes, str]], write: Callable[[str], str]
) -> None:
    size, gap = 26.0, 4.0
    for at, (jpeg, caption) in enumerate(pictures):
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
            caption = f"{caption} (picture cannot be read)"
        else:
            picture.thumbnail((300, 300))
            pdf.image(picture, x, top, size, size, keep_aspect_ratio=True)
        pdf.set_font_size(6.5)
        pdf.set_xy(x, top + size)
        pdf.multi_cell(size, 3, write(caption), align="C")
        last = column == 5 or at == len(pictures) - 1
        pdf.set_xy(pdf.l_margin, top + size + 7 if last else top)


def words(pdf: FPDF, text: str, size: float, colour: Colour = INK) -> None:
    """Write a paragraph across the page, *size* in points."""
    pdf.set_font_size(size)
    pdf.set_text_color(*colour)
    pdf.set_x(pdf.l_margin)
    pdf.multi_cell(WIDTH, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.set_text_color(*INK)
    pdf.ln(1)


def _use_font(pdf: FPDF) -> Callable[[str], str]:
    """Set the font with the most letters on this machine; return how to make text fit it."""
    for path in FONTS:
        if Path(path).is_file():
            pdf.add_font("report", fname=path)
            pdf.set_font("report", size=9)
            return lambda text: text
    pdf.set_font("Helvetica", size=9)
    return lambda text: text.encode("latin-1", "replace").decode("latin-1")
