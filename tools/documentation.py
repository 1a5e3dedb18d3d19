"""Hooks of MkDocs: the site shows documents and docstrings as they are read elsewhere.

Documents are written to be read in the repository too: anchors are GitHub's, and links lead out of
``docs/``. Docstrings are written for ``help()``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from mkdocs.structure.files import File

import workbench

if TYPE_CHECKING:
    from markdown import Markdown
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.nav import Page

ROOT = Path(__file__).parents[1]
DOCUMENTS = "docs/"
BROUGHT = "repository/"  # where the site has files that lie outside docs/
# Documents outside docs/ that the navigation leads to.
BESIDE = ("CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md")

_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?)\[((?:`[^`]*`|[^][`])*)\]\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)")
_LIST = re.compile(r"^(?!\s*(?:[-*]|\d+\.) )(\S.*\n)(?=(?:[-*]|\d+\.) )", re.MULTILINE)
_ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):`~?([\w.]+)`")
_PICTURE = re.compile(r'<img [^>]*\bsrc="([^"]+)"[^>]*>')
_SKIPPED = re.compile(r"\s+# doctest: .*$")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Set what plain YAML cannot say."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = slug
    config.markdown_extensions.append(Docstrings())  # type: ignore[arg-type]
    config.theme.static_templates.discard("404.html")  # for servers: its links begin at a root
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Bring along what documents lead to outside docs/, and what these lead to in turn."""
    read: set[str] = set()
    waiting = [*BESIDE, *(f"{DOCUMENTS}{page.src_uri}" for page in files.documentation_pages())]
    while waiting:
        path = waiting.pop()
        if path in read:
            continue
        read.add(path)
        if not path.startswith(DOCUMENTS):
            files.append(File.generated(config, f"{BROUGHT}{path}", abs_src_path=str(ROOT / path)))
        if path.endswith(".md"):
            waiting += [target for target in targets(path) if (ROOT / target).is_file()]
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Lead links to where the site has what they name."""
    uri = page.file.src_uri
    path = uri.removeprefix(BROUGHT) if uri.startswith(BROUGHT) else f"{DOCUMENTS}{uri}"
    return _outside_code(markdown, lambda text: _LIST.sub(r"\1\n", repoint(text, path)))


def on_page_content(html: str, **_: Any) -> str:
    """Lead each picture to itself, where it is seen at its full size."""
    return _PICTURE.sub(r'<a href="\1">\g<0></a>', html)


def slug(heading: str, separator: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def targets(path: str) -> Iterator[str]:
    """Yield what the document at *path* leads to, as paths in the repository."""
    text = _FENCED.sub("", (ROOT / path).read_text(encoding="utf-8"))
    for found in _LINK.finditer(text):
        yield _resolved(path, found[3])


def repoint(text: str, path: str) -> str:
    """Rewrite the links in *text*, which stands in the document at *path*.

    A folder is no page: of a link to one, its words stay.
    """
    here = posixpath.dirname(_place(path))

    def led(found: re.Match[str]) -> str:
        image, words, link, anchor = found.groups(default="")
        target = _resolved(path, link)
        if (ROOT / target).is_dir():
            return words
        # Where nothing is there, MkDocs says so.
        return f"{image}[{words}]({posixpath.relpath(_place(target), here or '.')}{anchor})"

    return _LINK.sub(led, text)


def _resolved(path: str, link: str) -> str:
    return posixpath.normpath(str(PurePosixPath(path).parent / link))


def _place(path: str) -> str:
    """Return where the site has the file at *path* in the repository."""
    return path.removeprefix(DOCUMENTS) if path.startswith(DOCUMENTS) else f"{BROUGHT}{path}"


def _outside_code(markdown: str, change: Any) -> str:
    parts = _FENCED.split(markdown)
    return "".join(part if number % 2 else change(part) for number, part in enumerate(parts))


class Docstrings(Extension):
    """Docstrings as Markdown: examples are code, and roles lead to the name they name."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Markdown's name
        """Come before all that Markdown does."""
        md.preprocessors.register(_Docstrings(md), "docstrings", 100)


class _Docstrings(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        """Rewrite the lines of a docstring; documents have none of what changes."""
        made: list[str] = []
        example = False
        for line in lines:
            if example and not line.strip():
                made.append("```")
                example = False
            if not example and line.startswith(">>> "):
                made += ["", "```pycon"]
                example = True
            made.append(_SKIPPED.sub("", line) if example else _ROLE.sub(_named, line))
        return [*made, "```"] if example else made


def _named(role: re.Match[str]) -> str:
    """Return a name as code, and as a link if the reference has it."""
    name = role[1].removeprefix("workbench.")
    return f"[`sl.{name}`][{anchor(name)}]" if name in workbench.__all__ else f"`{role[1]}`"


def anchor(name: str) -> str:
    """Return the anchor of a public name in the reference: of another name, where it has that."""
    home = workbench._HOMES.get(name, "")
    return home.replace(":", ".") if ":" in home else f"workbench.{name}"
