"""Folium maps that ask no other machine: one file that holds everything, or shown in a frame.

>>> from workbench.maps.offline import OfflineMap, save_map
>>> town = OfflineMap(location=(51.48, -0.01), zoom_start=14)
>>> save_map("town.html", town)  # doctest: +SKIP
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import folium
from branca.element import Element, Figure, Link
from folium.map import Layer

from workbench.errors import MapError, unwritten
from workbench.maps import assets

# Attributes by which an element makes the browser ask for something.
LOADING = {"src", "srcset", "href", "xlink:href", "data", "poster", "background", "action"}
LOADING |= {"formaction", "ping", "manifest"}
EMBEDDED = ("data:", "#", "about:")
_HOST = re.compile(r"([\w.-]+|\[[\da-fA-F:]+\])(:\d+)?", re.ASCII)
_CSS_REQUEST = re.compile(r"""@import|url\(\s*["']?(?!data:|#|["'\s])""", re.IGNORECASE)


class OfflineMap(folium.Map):
    """A Folium map of Leaflet alone: no jQuery, Bootstrap, Font Awesome or Awesome Markers.

    Takes what ``folium.Map`` takes, and shows and saves itself without any other machine. So
    Folium's ``Popup`` and ``Icon``, which need the absent scripts, do not work on it.

    Parameters
    ----------
    title : str
        Title of its page.
    tiles : str, optional
        Address pattern of a tile server, such as ``https://tiles.example/{z}/{x}/{y}.png``: the
        one place from which the map may ask for pictures. By default none.
    tiles_attribution : str
        What the tile server wants said, as plain text.

    Raises
    ------
    MapError
        If *tiles* is not such a pattern.
    """

    default_js = [*folium.Map.default_js[:1], ("sightline", f"{assets.OWN}sightings.js")]  # noqa: RUF012
    default_css = [*folium.Map.default_css[:1], ("sightline_css", f"{assets.OWN}sightings.css")]  # noqa: RUF012

    def __init__(
        self, *, title: str = "", tiles: str | None = None, tiles_attribution: str = "",
        **options: Any,
    ) -> None:  # fmt: skip
        self.tile_origins = tile_origins(tiles) if tiles else ()
        # Streets drawn from data may stand at any zoom; pictures are sharp at whole ones only.
        snap = 1 if tiles else 0.25
        defaults = {"zoom_snap": snap, "max_zoom": 19, "prefer_canvas": True, "font_size": "13px"}
        super().__init__(tiles=None, **(defaults | options))
        figure = self.get_root()
        assert isinstance(figure, Figure)  # folium.Map has put itself into one
        figure.title = html.escape(title or "Sightline map")
        self.add_child(Drawing("prepare", None))
        if tiles:
            # Folium insists on one, and reads what it has written as a template; see Drawing.
            attribution = html.escape(tiles_attribution or "\N{NO-BREAK SPACE}")
            attribution = attribution.replace("{", "&#123;")
            folium.TileLayer(tiles, attr=attribution, max_zoom=19, control=False).add_to(self)

    def save(self, outfile: Any, close_file: bool = True, **_: Any) -> None:
        """Write one self-contained HTML file; takes what Folium takes. See :func:`save_map`."""
        if isinstance(outfile, str | bytes | Path):
            save_map(os.fsdecode(outfile), self)
            return
        outfile.write(self_contained_html(self).encode())
        if close_file:
            outfile.close()

    def _repr_html_(self, **_: Any) -> str:
        # What a notebook shows is saved with it: faces, and where somebody was.
        return "<p>A map, which is not saved with a notebook. Show it with sl.sightings_map.</p>"


class Drawing(Layer):
    """A function of our ``sightings.js``, called with data; a layer if it was given a name.

    The usual way of Folium's elements is closed to it: they write their data into a script which
    is then read *as a template*, so that ``{{ … }}`` in the name of a camera would be executed.
    """

    def __init__(self, function: str, data: Any, *, name: str = "", show: bool = True) -> None:
        shown = show and bool(name)
        super().__init__(name=name or None, overlay=True, control=bool(name), show=shown)
        self._name = f"sightline_{function}"
        self.function = function
        self.data = data

    def render(self, **_: Any) -> str:
        """Write the script that draws the data on the map."""
        figure = self.get_root()
        assert isinstance(figure, Figure)
        assert self._parent is not None
        name, parent = self.get_name(), self._parent.get_name()
        call = f"var {name} = sightline.{self.function}({parent}, {script_json(self.data)});\n"
        if self.show:
            call += f"{name}.addTo({parent});\n"
        figure.script.add_child(Verbatim(call), name=name)
        return ""


class Verbatim(Element):
    """Text that goes into the page as it is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, **_: Any) -> str:
        """Write the text as it is."""
        return self.text


def script_json(data: Any) -> str:
    """*data* as JSON that cannot end the script it is written into."""
    text = json.dumps(data, allow_nan=False)
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def self_contained_html(folium_map: folium.Map) -> str:
    """The map as one page with every script, style and image inside it.

    Its Content-Security-Policy lets exactly the scripts run that are in it, by checksum, and
    pictures come from nowhere but the page itself and the tile server of an :class:`OfflineMap`.

    Raises
    ------
    MapError
        If anything on the map has an address elsewhere: a script or style that is not kept with
        the package, an image, or a tile server that the map was not made with.
    """
    allowed = folium_map.tile_origins if isinstance(folium_map, OfflineMap) else ()
    figure = folium_map.get_root()
    _refuse_foreign_layers(figure, allowed)
    page = _SelfContained(allowed)
    page.feed(figure.render().replace("\r\n", "\n").replace("\r", "\n"))
    page.close()
    return page.html()


def iframe(page: str, height: str = "500px") -> str:
    """*page* in a frame without access to the page around it, for Jupyter and Voila."""
    return (
        f'<iframe sandbox="allow-scripts" srcdoc="{html.escape(page)}" title="Map"'
        f' style="display:block;width:100%;height:{html.escape(height)};border:0"></iframe>'
    )


def save_map(path: str | Path, folium_map: folium.Map) -> None:
    """Write the map as one self-contained HTML file: the whole file or nothing.

    Raises MapError where :func:`self_contained_html` does, or if the file cannot be written.
    """
    save_page(Path(path), self_contained_html(folium_map))


def save_page(path: Path, page: str) -> None:
    """Write a page: the whole file or nothing. Raises MapError if it cannot be written."""
    # Beside it, so that the file takes its name in one step; saving twice at once is harmless.
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        what, fix = unwritten(error, fix="Name a file in a folder that you may write to")
        raise MapError(what, where=str(path), fix=fix) from None
    finally:
        temporary.unlink(missing_ok=True)


def tile_origins(tiles: str) -> tuple[str, ...]:
    """The origins that a tile address pattern asks, one for each subdomain of ``{s}``.

    Raises MapError if it is no http(s) address with ``{z}``, ``{x}`` and ``{y}`` in its path.
    """
    parts = urlsplit(tiles)
    usable = (
        parts.scheme in {"http", "https"}
        and _HOST.fullmatch(parts.netloc.replace("{s}", "s"))
        and not re.search(r"\{[{%#]", tiles)  # Folium would execute it; see Drawing
        and all(part in f"{parts.path}?{parts.query}" for part in ("{z}", "{x}", "{y}"))
    )
    if not usable:
        raise MapError(
            f"{tiles!r} is not the address pattern of a tile server",
            where="tiles",
            fix="Write it like https://tiles.example/{z}/{x}/{y}.png",
        )
    subdomains = "abc" if "{s}" in parts.netloc else " "  # Leaflet's own
    return tuple(f"{parts.scheme}://{parts.netloc.replace('{s}', s)}" for s in subdomains)


def _refuse_foreign_layers(element: Element, allowed: tuple[str, ...]) -> None:
    """Raise MapError if a layer below *element* would ask a server that is not *allowed*."""
    for child in element._children.values():
        if not isinstance(child, Link):  # those are looked up where they are rendered
            for address in (getattr(child, "tiles", None), getattr(child, "url", None)):
                if not isinstance(address, str) or address.startswith(EMBEDDED):
                    continue
                origins = tile_origins(address) if "{z}" in address else (address,)
                if not set(origins) <= set(allowed):
                    raise _foreign(address, type(child).__name__)
        _refuse_foreign_layers(child, allowed)
    if isinstance(element, Figure):
        for part in (element.header, element.html, element.script):
            _refuse_foreign_layers(part, allowed)


def _foreign(address: str, where: str) -> MapError:
    return MapError(
        f"would load from another machine: {address}",
        where=where,
        fix="Give an OfflineMap the tile server as tiles=, or embed the data",
    )


class _SelfContained(HTMLParser):
    """Copies a page, with each address replaced by what it names, or refused."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(convert_charrefs=False)
        self._allowed = allowed
        self._parts: list[str] = []
        self._head: int | None = None  # where in the parts the policy goes
        self._checksums: list[str] = []
        self._element = ""  # the script or style we are in
        self._text = ""  # and what it holds

    def html(self) -> str:
        if self._head is None or self._element:
            raise MapError("the map did not render to a whole page")
        images = " ".join(("data:", *self._allowed))
        scripts = " ".join(f"'sha256-{checksum}'" for checksum in self._checksums) or "'none'"
        policy = (
            f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; "
            f"img-src {images}; base-uri 'none'; form-action 'none'"
        )
        self._parts[self._head] = (
            '<meta charset="utf-8"/>'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>'
        )
        return "".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "link" and given.get("rel") == "stylesheet":
            self._parts.append(f"<style>{assets.style(given['href'])}</style>")
            return
        if tag == "script" and "src" in given:
            self._parts.append("<script>")
            self._element, self._text = tag, assets.script(given["src"])
            return
        for name, value in given.items():
            if (name in LOADING and value and not value.startswith(EMBEDDED)) or (
                name == "style" and _CSS_REQUEST.search(value)
            ):
                raise _foreign(value, f"<{tag} {name}>")
        self._parts.append('<html lang="en">' if tag == "html" else self.get_starttag_text() or "")
        if tag == "head":
            self._head = len(self._parts)
            self._parts.append("")
        elif tag in {"script", "style"}:
            self._element, self._text = tag, ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._element == tag:
            if tag == "style" and (found := _CSS_REQUEST.search(self._text)):
                raise _foreign(self._text[found.start() :][:80], "<style>")
            if tag == "script":
                digest = hashlib.sha256(self._text.encode()).digest()
                self._checksums.append(base64.b64encode(digest).decode("ascii"))
            self._parts.append(self._text)
            self._element = ""
        self._parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._element:
            self._text += data
        else:
            self._parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self._parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._parts.append(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._parts.append(f"<!{decl}>")
