"""Compression of what pages load, for slow lines."""

from __future__ import annotations

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import GZipContentEncoding, OutputTransform

SOCKET = {"compression_level": 6, "mem_level": 8}
"""How messages of a kernel are compressed. Pictures cost the same time at any level."""


def compression(base: str) -> type[OutputTransform]:
    """Make a Tornado transform that compresses scripts and styles, below the front page *base*.

    Each is compressed once, for the first browser that loads it. Nothing else is compressed: the
    length of a compressed page could tell of what stands in it (BREACH).
    """
    files = tuple(f"{base}voila/{part}/" for part in ("static", "templates", "labextensions"))
    kept: dict[str, bytes] = {}  # by what an ETag says of the content

    class Compression(GZipContentEncoding):
        _tag = ""
        _left = 0  # bytes of the file that have not come
        _known: bytes | None = None

        def __init__(self, request: HTTPServerRequest) -> None:
            super().__init__(request)
            self._gzipping = self._gzipping and request.path.startswith(files)
            self._whole = request.method == "GET"
            self._made = bytearray()

        def transform_first_chunk(
            self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
        ) -> tuple[int, HTTPHeaders, bytes]:
            if self._gzipping and self._whole and status_code == 200:
                self._tag = headers.get("Etag", "")
                self._left = int(headers.get("Content-Length", "0"))
                self._known = kept.get(self._tag)
            known = self._known
            made = super().transform_first_chunk(status_code, headers, chunk, finishing)
            if known is not None and self._gzipping:
                headers["Content-Length"] = str(len(known))
            return made

        def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
            if not self._gzipping:
                return chunk
            if self._known is not None:
                sent, self._known = self._known, b""
                return sent
            self._left -= len(chunk)
            made = super().transform_chunk(chunk, finishing)
            if self._tag:
                self._made += made
                if finishing and self._left == 0:
                    kept[self._tag] = bytes(self._made)
            return made

    return Compression
