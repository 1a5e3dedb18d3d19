"""Draw docs/images/house.svg from .importlinter: the rooms on their floors, and what is theirs.

``--check`` writes nothing and says whether the drawing is that of the contracts.
"""

from __future__ import annotations

import argparse
import configparser
import re
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONTRACTS = ROOT / ".importlinter"
DRAWING = ROOT / "docs/images/house.svg"
PACKAGE = "workbench"

# A storey begins with the first of its rooms, from the roof down.
STOREYS = {
    "cli": "Doors",
    "live": "What people see",
    "evaluation": "Asking and deciding",
    "maps": "Making",
    "gallery": "Keeping",
    "faces": "Looking",
    "calibration": "Foundations",
}
WAY_OF_A_FACE = ("footage", "faces", "gallery", "investigation", "widgets")

WIDTH, LEFT, WALL, TOP = 1120, 200, 640, 96  # pixels: of all, storeys' names, the right wall, roof
FLOOR, GAP, ROOM = 34, 6, 24  # heights of a floor, between storeys, of a room
STYLE = """
text { font: 14px system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; fill: #17212b }
.room { fill: #ffffff; stroke: #75828f }
.way { fill: #e3eff5; stroke: #0b4f6c; stroke-width: 2 }
.storey { font-weight: 600 }
.library { font-size: 12px; fill: #4a5866 }
.roof, .wall { fill: #f4f6f8; stroke: #75828f }
"""


def read_contracts(path: Path) -> tuple[list[list[str]], dict[str, list[str]]]:
    """Read the floors, from the top, and the libraries that few rooms may import, by room."""
    contracts = configparser.ConfigParser()
    contracts.read(path, encoding="utf-8")
    layers = contracts["importlinter:contract:rooms"]["layers"].split("\n")
    floors = [re.split(r" [|:] ", layer.strip()) for layer in layers if layer.strip()]
    libraries: dict[str, list[str]] = {}
    for contract in contracts.sections():
        kept = contracts[contract].get("protected_modules", "").split()
        for importer in contracts[contract].get("allowed_importers", "").split():
            room = importer.removeprefix(f"{PACKAGE}.").split(".")[0]
            for library in kept:
                # Our own modules that are walled in are told in words.
                if not library.startswith(PACKAGE) and library not in libraries.get(room, []):
                    libraries.setdefault(room, []).append(library)
    return floors, libraries


def draw(floors: Sequence[Sequence[str]], libraries: Mapping[str, Sequence[str]]) -> str:
    """Return the drawing as SVG, the first floor under the roof."""
    first = [floor[0] for floor in floors]
    if missing := [room for room in STOREYS if room not in first]:
        raise SystemExit(f"no floor begins with {', '.join(missing)}: change STOREYS")
    parts, y = [], TOP
    for floor in floors:
        if floor[0] in STOREYS:
            if y > TOP:
                parts.append(_ceiling(y + GAP // 2))
                y += GAP
            parts.append(_text(LEFT - 16, y + 22, STOREYS[floor[0]], "storey", "end"))
        parts += _floor(floor, libraries, y)
        y += FLOOR
    roof = f"{LEFT - 12},{TOP - 8} {(LEFT + WALL) // 2},24 {WALL + 12},{TOP - 8}"
    walls = f'x="{LEFT}" y="{TOP - 8}" width="{WALL - LEFT}" height="{y - TOP + 16}"'
    house = [
        f'<rect class="wall" {walls}/>',
        f'<polygon class="roof" points="{roof}"/>',
        _text((LEFT + WALL) // 2, 74, PACKAGE, "storey", "middle"),
        _text(WALL + 24, 74, "imported only where named", "library"),
    ]
    size = f'width="{WIDTH}" height="{y + 24}" viewBox="0 0 {WIDTH} {y + 24}"'
    return "\n".join(
        [
            "<!-- Written by tools/house.py from .importlinter. -->",
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
            f"<title>The rooms of {PACKAGE}, each above those that it may know</title>",
            f"<style>{STYLE}</style>",
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            *house,
            *parts,
            "</svg>\n",
        ]
    )


def _floor(floor: Sequence[str], libraries: Mapping[str, Sequence[str]], y: int) -> list[str]:
    """Draw the rooms of a floor beside each other, and their libraries right of the wall."""
    inside = WALL - LEFT - 2 * GAP
    width = inside // len(floor)
    parts = []
    for number, room in enumerate(floor):
        x = LEFT + GAP + number * width
        kind = "way" if room in WAY_OF_A_FACE else "room"
        parts.append(
            f'<rect class="{kind}" x="{x + 3}" y="{y + (FLOOR - ROOM) // 2}" '
            f'width="{width - 6}" height="{ROOM}" rx="4"/>'
        )
        parts.append(_text(x + width // 2, y + 22, room, "name", "middle"))
    theirs = [library for room in floor for library in libraries.get(room, ())]
    if theirs:
        half = (len(theirs) + 1) // 2
        lines = [theirs] if len(theirs) < 5 else [theirs[:half], theirs[half:]]
        for number, line in enumerate(lines):
            height = y + 21 if len(lines) == 1 else y + 14 + 15 * number
            parts.append(_text(WALL + 24, height, ", ".join(line), "library"))
    return parts


def _ceiling(y: int) -> str:
    """Draw the line between two storeys."""
    return f'<line class="wall" x1="{LEFT}" x2="{WALL}" y1="{y}" y2="{y}"/>'


def _text(x: int, y: int, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def main(given: Sequence[str] | None = None) -> int:
    """Write the drawing, or check it; return the exit status."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--check", action="store_true", help="write nothing; 1 if it would change")
    drawing = draw(*read_contracts(CONTRACTS))
    if not options.parse_args(given).check:
        DRAWING.write_text(drawing, encoding="utf-8")
        return 0
    if DRAWING.read_text(encoding="utf-8") == drawing:
        return 0
    sys.stderr.write("docs/images/house.svg is not what .importlinter says: run make docs\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
