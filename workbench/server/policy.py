"""Security headers of every response: what a browser may do with a page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

from workbench.errors import SettingsError

FRAME = "frame"
"""Path, below the front page, of the empty document for a self-contained map."""


def tile_source(pattern: str | None) -> str:
    """Content-Security-Policy source of the tile server in ``pattern``; '' without a pattern.

    >>> tile_source("https://{s}.tiles.example/{z}/{x}/{y}.png")
    'https://*.tiles.example'

    Raises SettingsError if the pattern is not an http(s) address.
    """
    if not pattern:
        return ""
    address = urlsplit(pattern.replace("{s}", "*"))
    allowed = set("*.-:[]_")
    if address.scheme not in {"http", "https"} or not all(
        letter.isalnum() or letter in allowed for letter in address.netloc or " "
    ):
        raise SettingsError(
            f"{pattern!r} is not the address of a tile server",
            where="SIGHTLINE_TILES",
            fix="Write it like https://tiles.example/{z}/{x}/{y}.png",
        )
    return f"{address.scheme}://{address.netloc}"


@dataclass(frozen=True)
class Policy:
    """Two Content-Security-Policies; ``tiles`` is the source of the tile server, or ''."""

    tiles: str = ""

    def page(self) -> str:
        """Policy of every response but the frame's.

        No inline script and no inline event handler runs, so that a camera name or case title that
        reached the page unescaped would still be only text. ``blob:`` is how anywidget, and with it
        Plotly's FigureWidget, imports the module its kernel sends. ``'unsafe-eval'`` is needed by
        the JupyterLab code that Voila is made of, which compiles its settings' schemas. Styles are
        written inline by Lumino, Leaflet and Plotly.
        """
        return "; ".join(
            [
                "default-src 'self'",
                "script-src 'self' blob: 'unsafe-eval'",
                "style-src 'self' 'unsafe-inline'",
                f"img-src 'self' data: blob: {self.tiles}".rstrip(),
                "media-src 'self' data: blob:",
                "font-src 'self' data:",
                "connect-src 'self'",
                "object-src 'none'",
                "base-uri 'none'",
                "form-action 'self'",
                "frame-ancestors 'none'",
            ]
        )

    def frame(self) -> str:
        """Policy of the frame: Folium's inline scripts run, but can reach nothing.

        The document has its own origin (``sandbox``), may contact only the tile server, and may be
        embedded only by pages of this server.
        """
        return "; ".join(
            [
                "sandbox allow-scripts",
                "default-src 'none'",
                "script-src 'unsafe-inline'",
                "style-src 'unsafe-inline'",
                f"img-src data: blob: {self.tiles}".rstrip(),
                "media-src data: blob:",
                "font-src data:",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'self'",
            ]
        )

    def transform(self, base: str = "/") -> type[OutputTransform]:
        """Make a Tornado transform that sets the headers on every response of every handler.

        *base* is the path of the front page.
        """
        page, frame, frame_path = self.page(), self.frame(), f"{base}{FRAME}"

        class SecurityHeaders(OutputTransform):
            def __init__(self, request: HTTPServerRequest) -> None:
                super().__init__(request)
                self._policy = frame if request.path == frame_path else page

            def transform_first_chunk(
                self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
            ) -> tuple[int, HTTPHeaders, bytes]:
                headers["Content-Security-Policy"] = self._policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Permissions-Policy"] = (
                    "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
                )
                headers.pop("Server", None)
                return super().transform_first_chunk(status_code, headers, chunk, finishing)

        return SecurityHeaders
