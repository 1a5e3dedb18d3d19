"""A button, and a place to drop files on, that brings files from the browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Bool, Int, Unicode


@dataclass(frozen=True, slots=True)
class File:
    """A file that the browser sent."""

    name: str
    size: int  # bytes
    content: bytes | None = field(repr=False)  # None where it is too large to be sent


class Uploader(anywidget.AnyWidget):
    """Calls *on_files* with the files that were chosen or dropped together.

    Jupyter's own FileUpload sends all files in one message, takes none that are dropped, and
    reports the number of files of the last time, not of this time.
    """

    _esm = Path(__file__).with_name("uploader.js")
    description = Unicode("Add files").tag(sync=True)
    accept = Unicode("").tag(sync=True)
    disabled = Bool(False).tag(sync=True)
    most_bytes = Int(2**20).tag(sync=True)

    def __init__(self, on_files: Callable[[list[File]], None], **options: Any) -> None:
        super().__init__(**options)
        self._on_files = on_files
        self._files: list[File] = []
        self.on_msg(self._received)

    def _received(self, _: object, about: dict[str, Any], buffers: list[memoryview]) -> None:
        content = bytes(buffers[0]) if buffers else None
        self._files.append(File(str(about["name"]), int(about["size"]), content))
        if not about["left"]:
            files, self._files = self._files, []
            self._on_files(files)
