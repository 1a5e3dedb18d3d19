"""Lines of text that people write into the record, checked for what could mislead readers."""

from __future__ import annotations

import unicodedata

from workbench.errors import CaseError

LONGEST_TEXT = 500  # characters


def plain(text: str, *, where: str) -> str:
    """Check a line of text and return it stripped and in one Unicode spelling (NFC).

    Control characters are refused, and so are direction overrides and other invisible format
    characters, which could make a line read differently from what it holds. Raises CaseError, which
    names *where*.
    """
    text = unicodedata.normalize("NFC", text).strip()
    hidden = [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    if hidden:
        raise incomplete(
            where, f"holds the invisible character U+{ord(hidden[0]):04X}", "Remove it"
        )
    if len(text) > LONGEST_TEXT:
        raise incomplete(
            where, f"the text is {len(text)} characters long", f"Use at most {LONGEST_TEXT}"
        )
    return text


def incomplete(where: str, what: str, fix: str) -> CaseError:
    """Make the error of a case that lacks something, or holds what it cannot."""
    return CaseError(what, where=f"case, {where}", fix=fix)


def required_reason(reason: str, reference: str) -> str:
    """Check the reason for something that is done with a case, and return it as :func:`plain` does.

    Raises CaseError if it is missing.
    """
    reason = plain(reason, where="reason")
    if not reason:
        raise CaseError("the reason is missing", where=reference, fix="Say why: it is on record")
    return reason
