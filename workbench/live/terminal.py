"""Text for a terminal: nothing that is printed acts on it."""

from __future__ import annotations

import sys
import unicodedata

# What a terminal acts on (controls), or what hides letters or turns their order round (format
# characters, but for the joiners that Persian, Hindi and emoji are written with), or ends a line.
_ACTS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SAFE = frozenset("\t\u200c\u200d")


def printable(text: str) -> str:
    """Make a text one line that shows what it holds; all that is printed goes through here.

    In a name, control characters would let the person who gave it move the cursor, write over what
    is said or begin a line of their own. They become question marks, line ends a visible ``\\n``.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(r"\n" if sign == "\n" else "?" if acts(sign) else sign for sign in text)


def acts(sign: str) -> bool:
    """Check whether a terminal would act on a character instead of showing it."""
    return unicodedata.category(sign) in _ACTS and sign not in _SAFE


def say(*texts: str) -> None:
    """Print a message to the person at the terminal, each text on a line of its own."""
    for text in texts:
        sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()
