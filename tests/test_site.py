"""The documentation site: built strictly, whole, and read without a network."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

import workbench
from tools import documentation
from workbench import demo, evaluation, widgets

REPOSITORY = Path(__file__).parents[1]
FETCHED = {
    "audio", "embed", "iframe", "img", "input", "link", "object", "script", "source", "video",
}  # fmt: skip
MARKS = re.compile(r"^.*(?::func:|:class:|&gt;&gt;&gt; |\]\(|\|[ -]+\|).*$", re.MULTILINE)
ADDRESSES = ("href", "src", "srcset", "data", "poster")


class Reader(HTMLParser):
    """Gathers what a page fetches, where it leads, and which anchors it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        addresses = [given[name] for name in ADDRESSES if given.get(name)]
        if tag in FETCHED and given.get("rel") not in ("canonical", "next", "prev"):
            self.fetched += addresses
        elif tag == "a":
            self.links += addresses


def faults(site: Path) -> Iterator[str]:
    """Yield what a site fetches from elsewhere, and links that lead nowhere in it."""
    pages = {path: Reader(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        for address in page.fetched:
            if urlsplit(address).scheme not in ("", "data") or address.startswith("//"):
                yield f"{name} fetches {address}"
        for address in {*page.fetched, *page.links}:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = path if not parts.path else path.parent / unquote(parts.path)
            target = Path(posixpath.normpath(target))
            if not target.is_file():
                yield f"{name} leads to {address}, which is not there"
            elif (
                target in pages
                and parts.fragment
                and unquote(parts.fragment) not in pages[target].anchors
            ):
                yield f"{name} leads to {address}, where there is no such anchor"
    for path in sorted(site.rglob("*.css")):
        style = path.read_text("utf-8")
        for address in re.findall(r"(?:url\(|@import\s+(?!url))\s*[\"']?([^\"')\s;]+)", style):
            if address.startswith(("http:", "https:", "//")):
                yield f"{path.relative_to(site).as_posix()} fetches {address}"


def leaves(nav: Any) -> Iterator[str]:
    """Yield the pages of a navigation."""
    if isinstance(nav, str):
        yield nav
    else:
        for below in nav.values() if isinstance(nav, dict) else nav:
            yield from leaves(below)


def test_the_navigation_leads_to_every_document() -> None:
    nav = list(leaves(yaml.safe_load(REPOSITORY.joinpath("mkdocs.yml").read_text())["nav"]))
    documents = REPOSITORY.joinpath("docs").rglob("*.md")
    written = {path.relative_to(REPOSITORY / "docs").as_posix() for path in documents}
    brought = {f"{documentation.BROUGHT}{name}" for name in documentation.BESIDE}
    assert sorted(nav) == sorted(written | brought)


def test_the_site_leads_nowhere_else_and_fetches_nothing(built: Path) -> None:
    assert list(faults(built)) == []


def test_the_reference_has_every_public_name(built: Path) -> None:
    anchors = set()
    for page in ("python", "python-evaluation"):
        anchors |= Reader(built.joinpath(f"{page}.html").read_text("utf-8")).anchors
    for room in (workbench, demo, widgets, evaluation):
        for name in room.__all__:
            one = getattr(room, name)
            home = getattr(one, "__module__", room.__name__)
            assert anchors & {f"{room.__name__}.{name}", f"{home}.{one.__name__}"}, name


def test_no_marks_are_left_in_what_is_read(built: Path) -> None:
    for path in built.rglob("*.html"):
        text = re.sub(r"<(code|script|pre)\b.*?</\1>", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert MARKS.findall(text) == [], path.name
        assert re.findall(r"<p>[^<]*\n(?:[-*]|\d+\.) .*", text) == [], path.name


def test_what_is_wrong_with_a_site_is_found(tmp_path: Path) -> None:
    tmp_path.joinpath("index.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#here">b</a><a href="#top">a</a><a href="c.html">c</a>'
        '<script src="https://cdn.example.org/x.js"></script><img src="//cdn.example.org/y.png">'
        '<a href="https://example.org/">elsewhere</a><link rel="stylesheet" href="s.css">'
    )
    tmp_path.joinpath("b.html").write_text('<a href="index.html#top">a</a>')
    tmp_path.joinpath("s.css").write_text("@import url(https://fonts.example.org/f.css);")
    assert sorted(faults(tmp_path)) == [
        "index.html fetches //cdn.example.org/y.png",
        "index.html fetches https://cdn.example.org/x.js",
        "index.html leads to b.html#here, where there is no such anchor",
        "index.html leads to c.html, which is not there",
        "s.css fetches https://fonts.example.org/f.css",
    ]


def test_links_out_of_the_documents_lead_to_what_is_brought_along() -> None:
    text = "[a](../operate.md#tls), [b](../../deploy/nginx.conf), [`c/`](../../deploy), [d](#e)"
    assert documentation.repoint(text, "docs/guides/operator.md") == (
        "[a](../operate.md#tls), [b](../repository/deploy/nginx.conf), `c/`, [d](#e)"
    )
    assert documentation.repoint("![x](docs/images/a.webp)", "README.md") == (
        "![x](../images/a.webp)"
    )
