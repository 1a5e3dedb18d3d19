"""What people read is plain English, in the words of the field and of the glossary.

Each phrase below stood on a page or in a message once, and was corrected. The strings are those of
tests/interface_strings.txt, which ``python -m tools.interface_strings`` writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

STRINGS = Path(__file__).with_name("interface_strings.txt")

# A pattern, what to write instead, and a string that it must find.
FORBIDDEN = (
    (r"(?<!there )\bis no (?!longer)\w", "is not a", "is no calibration"),
    (r"\b(?:no|some|every|any)body\b", "no one, someone, or the passive", "Nobody waits"),
    (r"\bwhoever\b", "the person who", "ask whoever runs this server"),
    (r"\bso many\b", "that many, or the number", "a search of so many tracklets"),
    (r"\bso (?:high|fast|low|far)\b(?! (?:that|as))", "this high", "scored so high: what lies"),
    (r"\banew\b", "again", "make its templates anew"),
    (r"\bof just\b", "of exactly", "A score of just 0.64"),
    (r"\bcomes? to nothing\b", "has no effect", "a choice that comes to nothing"),
    (r"\btells? (?:of|as)\b|\b(?:is|are) told\b|\btold (?:of|as)\b", "report", "they are told"),
    (r"\bforetold\b|\bforeseen\b", "expected", "what was foreseen"),
    (r"\balike to\b", "similarity to", "0.62 alike to the others together"),
    (r"\bleast score\b", "minimum score", "Raise the least score."),
    (r"\bperson tracks?\b", "tracklet", "83 person tracks compared"),
    (r"\blook again\b", "Refresh", "Look again every 10 s"),
    (r"\bpoint(?:s|ed)? (?:(?:this|that) (?:one )?|it )?out\b", "highlight", "Point this one out"),
    (r"\b19 (?:times|searches) (?:in|of) 20\b|\btimes in 100\b", "95 %", "19 times in 20"),
    (r"\bBands hold\b|\bthe truth\b", "interval", "the truth lies between"),
    (r"\bone person to two\b|\bfor one person than\b", "same person", "ratio, one person to two"),
    (r"As strict at|Missed there|Own missed|Others who pass", "FMR, FNMR", "As strict at"),
    (r"\bwhat was (?:signed|written)\b", "unchanged, altered", "is what was signed"),
    (r"\bstands? twice\b|\bthere twice\b", "duplicate", "camera C1 stands twice"),
    (r"\bwent away\b", "was moved or deleted", "went away while it was read"),
    (r"\bno stretch of\b", "not a valid time range", "10:00 to 10:00 is no stretch of a day"),
    (r"\bno text at all\b", "is not a text file", "but no text at all"),
    (r"\bended the worker\b", "crashed the worker process", "reading it ended the worker"),
    (r"\bnot .not seen.", "No footage does not mean not there.", "No footage is not “not seen”."),
    (r"\bunder which you ask\b", "Choose a case.", "Choose the case under which you ask."),
    (r"\bfrom when to when\b", "a start and an end", "Choose from when to when."),
    (r"\bwhat is there to do\b", "Preview", "What is there to do?"),
    (r"\bnone to \w+\.", "nothing to", "there is none to review."),
    (r"\bask(?:s|ed)? for a case\b|\bis asked for\b", "request", "Case A-1 is asked for"),
    (r"\bcase open\b", "case request", "sightline case open"),
    (r"\bthere already\b|\bis there already\b", "already exists", "were there already"),
    (r"\bat hand\b", "available", "the recording is not at hand here"),
    (r"\bput the \w+ right\b", "correct", "Put the file right or remove it"),
    (r"\bdeliver\b", "obtain", "Deliver it again"),
    (r"\b(?:one|two|three|\{\}) at least\b", "at least one", "Choose one at least"),
    (r"\b(?:footage an hour|bits a|(?:row|pictures|one|Point|point) an? (?:camera|comparison|entry"
     r"|person|probe|second))\b", "per", "6.0 hours of footage an hour"),
    (r"\bother content\b", "different content", "gave other content"),
    (r"\btake out\b", "remove", "Take out those marked"),
    (r"\bthat fit\b|\bcameras fit\b", "match", "Cameras that fit"),
    (r"\bbring it back\b|\bbrought back\b", "restore", "Bring it back"),
    (r"\bsearched for as one\b", "combined into one probe", "3 are searched for as one"),
    (r"\bwaits for you\b", "is waiting for you", "Nothing waits for you."),
    (r"(?:^|[.:;] )who passed\b", "people who passed", "not read: who passed there is lost"),
    (r"\ball else\b|\bcoarse\b", "everyone else, pixelated", "all else is coarse"),
)  # fmt: skip

# Strings in which a pattern above is right, each with the reason.
ALLOWED: dict[str, str] = {}


def strings() -> Iterator[tuple[str, str]]:
    """Yield each string with the file that it stands in."""
    name = ""
    for line in STRINGS.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            name = line.removeprefix("== ")
        elif line:
            yield name, line


@pytest.mark.parametrize(("pattern", "instead", "sample"), FORBIDDEN, ids=lambda text: text[:20])
def test_people_read_no_phrase_that_was_corrected(pattern: str, instead: str, sample: str) -> None:
    assert re.search(pattern, sample, re.IGNORECASE), "the pattern finds nothing"
    found = [
        f"{name}: {text!r}: write {instead!r}"
        for name, text in strings()
        if text not in ALLOWED and re.search(pattern, text, re.IGNORECASE)
    ]
    assert found == []


def test_pages_show_no_marks_of_documents() -> None:
    pages = ("workbench/widgets/", "workbench/maps/")
    assert [text for name, text in strings() if name.startswith(pages) and "`" in text] == []


def test_exceptions_are_still_needed() -> None:
    there = {text for _, text in strings()}
    for text in ALLOWED:
        assert text in there
        assert any(re.search(pattern, text, re.IGNORECASE) for pattern, _, _ in FORBIDDEN)
