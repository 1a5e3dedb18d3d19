"""Report of a case as DOCX (ECMA-376), to be edited; what was signed is what the archive holds."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

from PIL import Image, UnidentifiedImageError

from workbench.casework.evidence.container import CREATED
from workbench.casework.evidence.contents import Section, sections
from workbench.casework.evidence.dossier import Dossier
from workbench.casework.evidence.drawings import WIDTH
from workbench.casework.evidence.report import Sheets, fitting_widths

EMU = 36_000  # a millimetre
TWIPS = 1440 / 25.4  # of a millimetre
CELL_SIZE = 8.0  # points of a letter in a table
CELL_PADDING = 4.4  # millimetres, on both sides of a text together
BOLDER = 1.15  # times as wide as plain letters
LONGEST_WHOLE = 600  # letters in a cell of a row that stays on one page
ON_A_ROW, PICTURE = 4, 40.0  # pictures, and the millimetres of one
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RELATED = ("styles", "header", "footer")
_STYLES = (
    f'{_HEAD}<w:styles xmlns:w="{_W}"><w:docDefaults><w:rPrDefault><w:rPr>'
    '<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:cs="Calibri"/><w:sz w:val="20"/>'
    "</w:rPr></w:rPrDefault></w:docDefaults>"
    '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/>'
    '<w:pPr><w:spacing w:after="100"/></w:pPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/>'
    '<w:rPr><w:b/><w:sz w:val="36"/></w:rPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/>'
    '<w:pPr><w:keepNext/><w:spacing w:before="280" w:after="80"/><w:outlineLvl w:val="0"/></w:pPr>'
    '<w:rPr><w:b/><w:sz w:val="26"/></w:rPr></w:style></w:styles>'
)


def as_docx(dossier: Dossier) -> bytes:
    """Render the report as DOCX, with the contents of the HTML and the PDF."""
    made = _Document(dossier.notice)
    body = [made.paragraph(dossier.title, style="Title")]
    for section in sections(dossier):
        body += made.section(section)
    made_at = f"{dossier.made_at:%Y-%m-%dT%H:%M:%SZ}"
    return made.packed("".join(body), dossier.title, made_at)


class _Document:
    """The parts of a document: its pictures, and how its text is written."""

    def __init__(self, notice: str) -> None:
        self.notice = notice
        self.pictures: list[tuple[str, bytes]] = []  # name and contents
        self._sheet = Sheets("")  # has the widest of the fonts that readers put in for Calibri
        self._sheet.set_font_size(CELL_SIZE)

    def _width_of(self, word: str, bold: bool) -> float:
        """Measure a word in a cell, with the padding that readers give it, in millimetres."""
        wide = self._sheet.get_string_width(self._sheet.write_fitting(word))
        return float(wide) * (BOLDER if bold else 1.0) + CELL_PADDING

    def paragraph(
        self, text: str, *, style: str = "Normal", red: bool = False, keep: bool = False
    ) -> str:
        """Write a paragraph; *keep* it on the page of what follows."""
        colour = '<w:rPr><w:b/><w:color w:val="B02020"/></w:rPr>' if red else ""
        return (
            f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{"<w:keepNext/>" if keep else ""}</w:pPr>'
            f'<w:r>{colour}<w:t xml:space="preserve">{_text(text)}</w:t></w:r></w:p>'
        )

    def section(self, section: Section) -> list[str]:
        parts = [self.paragraph(section.heading, style="Heading1")]
        if section.warning and section.warning != self.notice:  # which each page has
            parts.append(self.paragraph(section.warning, red=True))
        goes_on = bool(section.table or section.sketch)
        parts += [self.paragraph(text, keep=goes_on) for text in section.paragraphs]
        if section.table:
            parts.append(self._table(section.table, fitting_widths(section, self._width_of)))
        parts += self._pictures(section.pictures)
        if section.sketch:
            parts.append(self._picture(section.sketch.png(), WIDTH))
        return parts

    def _table(self, rows: Sequence[Sequence[str]], widths: Sequence[float]) -> str:
        """Write a table of the page's width; its first row is repeated on each page."""
        twips = [round(WIDTH * TWIPS * width / sum(widths)) for width in widths]
        edge = "".join(
            f'<w:{side} w:val="single" w:sz="4" w:color="B0B0B0"/>'
            for side in ("top", "left", "bottom", "right", "insideH", "insideV")
        )
        lines = []
        for at, row in enumerate(rows):
            if at == 0 and not any(row):
                continue
            whole = "<w:cantSplit/>" if max(map(len, row)) < LONGEST_WHOLE else ""
            heads = f"<w:trPr>{whole}{'<w:tblHeader/>' if at == 0 else ''}</w:trPr>"
            cells = "".join(
                f'<w:tc><w:tcPr><w:tcW w:w="{wide}" w:type="dxa"/></w:tcPr>'
                f"{_cell(cell, bold=at == 0)}</w:tc>"
                for cell, wide in zip(row, twips, strict=True)
            )
            lines.append(f"<w:tr>{heads}{cells}</w:tr>")
        grid = "".join(f'<w:gridCol w:w="{wide}"/>' for wide in twips)
        return (
            f'<w:tbl><w:tblPr><w:tblW w:w="{sum(twips)}" w:type="dxa"/>'
            f"<w:tblBorders>{edge}</w:tblBorders></w:tblPr><w:tblGrid>{grid}</w:tblGrid>"
            f"{''.join(lines)}</w:tbl>{self.paragraph('')}"
        )

    def _pictures(self, pictures: Sequence[tuple[bytes, str]]) -> list[str]:
        """Put in pictures with their captions, several beside each other."""
        rows = []
        for at in range(0, len(pictures), ON_A_ROW):
            cells = "".join(
                f'<w:tc><w:tcPr><w:tcW w:w="{round(WIDTH * TWIPS / ON_A_ROW)}" w:type="dxa"/>'
                f"</w:tcPr>{self._picture(jpeg, PICTURE)}{self.paragraph(caption)}</w:tc>"
                for jpeg, caption in pictures[at : at + ON_A_ROW]
            )
            grid = ON_A_ROW * f'<w:gridCol w:w="{round(WIDTH * TWIPS / ON_A_ROW)}"/>'
            rows.append(
                f"<w:tbl><w:tblPr/><w:tblGrid>{grid}</w:tblGrid>"
                f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr></w:tbl>{self.paragraph('')}"
            )
        return rows

    def _picture(self, content: bytes, most: float) -> str:
        """Put in a picture of at most so many millimetres."""
        try:
            with Image.open(io.BytesIO(content)) as opened:
                (wide, high), kind = opened.size, (opened.format or "").lower()
        except (UnidentifiedImageError, OSError):
            return self.paragraph("(picture cannot be read)")
        scale = most * EMU / max(wide, high)
        x, y, number = round(wide * scale), round(high * scale), len(self.pictures) + 1
        self.pictures.append((f"picture{number}.{kind}", content))
        main = "http://schemas.openxmlformats.org/drawingml/2006"
        return (
            f'<w:p><w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0" '
            f'xmlns:wp="{main}/wordprocessingDrawing">'
            f'<wp:extent cx="{x}" cy="{y}"/><wp:docPr id="{number}" name="Picture {number}"/>'
            f'<a:graphic xmlns:a="{main}/main"><a:graphicData uri="{main}/picture">'
            f'<pic:pic xmlns:pic="{main}/picture"><pic:nvPicPr>'
            f'<pic:cNvPr id="{number}" name="Picture {number}"/><pic:cNvPicPr/></pic:nvPicPr>'
            f'<pic:blipFill><a:blip xmlns:r="{_R}" r:embed="rIdP{number}"/>'
            "<a:stretch><a:fillRect/></a:stretch></pic:blipFill>"
            f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{x}" cy="{y}"/></a:xfrm>'
            '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic>'
            "</a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
        )

    def packed(self, body: str, title: str, made: str) -> bytes:
        """Put the parts of the document into one file."""
        page = (
            f'<w:sectPr><w:headerReference xmlns:r="{_R}" w:type="default" r:id="rIdheader"/>'
            f'<w:footerReference xmlns:r="{_R}" w:type="default" r:id="rIdfooter"/>'
            '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1134" w:right="850" w:bottom="1134" '
            'w:left="850" w:header="500" w:footer="500" w:gutter="0"/></w:sectPr>'
        )
        related = "".join(
            f'<Relationship Id="rId{kind}" Type="{_R}/{kind}" Target="{kind}.xml"/>'
            for kind in _RELATED
        ) + "".join(
            f'<Relationship Id="rIdP{n}" Type="{_R}/image" Target="media/{name}"/>'
            for n, (name, _) in enumerate(self.pictures, start=1)
        )
        number = (
            '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
            "<w:r><w:instrText>PAGE</w:instrText></w:r>"
            '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
        )
        words = f'<w:t xml:space="preserve">{_text(title)}, page </w:t>'
        foot = f"<w:p><w:r>{words}</w:r>{number}</w:p>"
        content = "application/vnd.openxmlformats-officedocument.wordprocessingml"
        types = "".join(
            f'<Override PartName="/word/{name}.xml" ContentType="{content}.{kind}+xml"/>'
            for name, kind in (("document", "document.main"), *((k, k) for k in _RELATED))
        )
        relation = f'xmlns="{_PACKAGE}/relationships"'
        files: list[tuple[str, str | bytes]] = [
            (
                "[Content_Types].xml",
                f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
                '<Default Extension="rels" '
                'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                '<Default Extension="jpeg" ContentType="image/jpeg"/>'
                '<Default Extension="png" ContentType="image/png"/>'
                '<Override PartName="/docProps/core.xml" '
                'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
                f"{types}</Types>",
            ),
            (
                "_rels/.rels",
                f'{_HEAD}<Relationships {relation}><Relationship Id="rId1" '
                f'Type="{_R}/officeDocument" Target="word/document.xml"/><Relationship Id="rId2" '
                f'Type="{_PACKAGE}/relationships/metadata/core-properties" '
                'Target="docProps/core.xml"/></Relationships>',
            ),
            (
                "docProps/core.xml",
                f'{_HEAD}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
                'xmlns:dc="http://purl.org/dc/elements/1.1/" '
                'xmlns:dcterms="http://purl.org/dc/terms/" '
                'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
                f"<dc:title>{_text(title)}</dc:title><dc:description>{_text(self.notice)}"
                '</dc:description><dcterms:created xsi:type="dcterms:W3CDTF">'
                f"{made}</dcterms:created></cp:coreProperties>",
            ),
            ("word/document.xml", f'{_HEAD}<w:document xmlns:w="{_W}"><w:body>{body}{page}'
             "</w:body></w:document>"),
            ("word/_rels/document.xml.rels", f"{_HEAD}<Relationships {relation}>{related}"
             "</Relationships>"),
            ("word/styles.xml", _STYLES),
            ("word/header.xml", f'{_HEAD}<w:hdr xmlns:w="{_W}">'
             f"{self.paragraph(self.notice, red=True)}</w:hdr>"),
            ("word/footer.xml", f'{_HEAD}<w:ftr xmlns:w="{_W}">{foot}</w:ftr>'),
            *((f"word/media/{name}", content) for name, content in self.pictures),
        ]  # fmt: skip
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, part in files:
                archive.writestr(zipfile.ZipInfo(name, CREATED), part, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()


def _cell(cell: str, *, bold: bool) -> str:
    """Write the text of a cell; several lines are a list."""
    lines, listed, mark = cell.split("\n"), "", ""
    if len(lines) > 1:
        mark = "<w:t>\N{BULLET}</w:t><w:tab/>"
        listed = (
            '<w:pPr><w:tabs><w:tab w:val="left" w:pos="140"/></w:tabs><w:spacing w:after="40"/>'
            '<w:ind w:left="140" w:hanging="140"/></w:pPr>'
        )
    return "".join(
        f"<w:p>{listed}<w:r><w:rPr>{'<w:b/>' if bold else ''}"
        f'<w:sz w:val="{round(2 * CELL_SIZE)}"/></w:rPr>{mark}'
        f'<w:t xml:space="preserve">{_text(line)}</w:t></w:r></w:p>'
        for line in lines
    )


def _text(words: str) -> str:
    """Write words so that XML shows them unchanged; letters that XML cannot hold are left out."""
    return escape(_NOT_XML.sub("", words))
