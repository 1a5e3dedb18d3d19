"""Photographs that are sent to a server."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.errors import ImageError

Photograph = Path | str | bytes | tuple[Path | str | bytes, int]
"""A photograph: a file or its content; with a number where it shows several faces, 1 the largest"""


def photographs_document(photographs: Sequence[Photograph]) -> list[dict[str, Any]]:
    """Return photographs as JSON values, their contents in Base64.

    Raises ImageError if a file cannot be read.
    """
    return [_photograph(one, number) for number, one in enumerate(photographs, start=1)]


def _photograph(source: Photograph, number: int) -> dict[str, Any]:
    source, face = source if isinstance(source, tuple) else (source, None)
    if isinstance(source, bytes):
        name, content = f"photograph {number}", source
    else:
        path = Path(source)
        try:
            name, content = path.name, path.read_bytes()
        except OSError as error:
            raise ImageError(
                f"cannot be read ({error.strerror})", where=str(path), fix="Name another file"
            ) from None
    return {"name": name, "face": face, "content": base64.b64encode(content).decode()}
