"""docs/abuse.md lists the attempts of this folder and on the server, all of them and no others."""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[3] / "docs" / "abuse.md"


def test_the_document_lists_every_attempt() -> None:
    files = set(Path(__file__).parent.glob("test_*.py")) - {Path(__file__)}
    files |= set((Path(__file__).parents[2] / "server").rglob("test_attacks*.py"))
    tests = [re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE) for file in files]
    rows = [line for line in DOCUMENT.read_text().splitlines() if re.match(r"\| \d+ ", line)]
    named = [re.findall(r"`(test_\w+)`", row)[0] for row in rows]
    assert sorted(named) == sorted(name for names in tests for name in names)
    assert len(named) == len(set(named)) >= 40
    assert [int(row.split("|")[1]) for row in rows] == list(range(1, len(rows) + 1))
