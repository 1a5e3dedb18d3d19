"""Compression of what pages load, for slow lines."""

from __future__ import annotations

from tornado.httputil import HTTPServerRequest
from tornado.web import GZipContentEncoding, OutputTransform

SOCKET = {"compression_level": 6, "mem_level": 8}
"""How messages of a kernel are compressed. Pictures cost the same time at any level."""


def compression(base: str) -> type[OutputTransform]:
    """Make a Tornado transform that compresses scripts and styles, below the front page *base*.

    Nothing else is: the length of a compressed page could tell of what stands in it (BREACH).
    """
    files = tuple(f"{base}voila/{part}/" for part in ("static", "templates", "labextensions"))

    class Compression(GZipContentEncoding):
        def __init__(self, request: HTTPServerRequest) -> None:
            super().__init__(request)
            self._gzipping = self._gzipping and request.path.startswith(files)

    return Compression
