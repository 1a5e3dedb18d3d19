"""Write tests/interface_strings.txt: every string that people read on a page or in a terminal.

One string a line, by file, in the order of the source: labels, messages, errors as they are
printed, help texts, sentences of reports, page templates, scripts and the text of notebooks. It is
made to be read from beginning to end, and to be searched for words that should not be there.

``python -m tools.interface_strings`` writes the file; ``--check`` writes nothing and says whether
it is what the sources give.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "tests/interface_strings.txt"

# Stands for what is filled in when the program runs: a renamed variable changes no line.
HOLE = "{}"

# Arguments that people read although they may be a single word in lower case.
_SHOWN = frozenset({
    "caption", "description", "fix", "heading", "help", "label", "placeholder", "text", "title",
    "tooltip", "what", "where",
})  # fmt: skip
# Functions whose arguments people read, single words in lower case too.
_SHOWING = frozenset({"add_row", "say", "show", "table"})

_CODE = re.compile(
    r"\b(?:SELECT|FROM|WHERE|JOIN|INTO|VALUES|(?:AT|DE)TACH|PRAGMA|SET [a-z_]+)\b"
    r"|\b(?:CREATE TABLE|(?:ORDER|GROUP) BY)\b"
    r"|\b[a-z_]+ (?:IN|IS|AND|OR|AS|BETWEEN|BIGINT|INTEGER|VARCHAR|DOUBLE) "  # SQL
    # Styles, patterns, addresses, types, classes of elements, headers.
    r"|\d(?:px|fr|rem|em)\b|#[0-9a-fA-F]{6}\b|var\(--|^[.#]?[a-z-]+ ?\{(?!\})|[a-z-]+: ?[^ {]+;"
    r"|\(\?[:P<=!]|\[\^|\\[dwsb]|^https?://\S+$|^[\w.-]+/[\w.+-]+(?:;.*)?$"
    r"|^(?:(?:[a-z]+-[a-z-]+|\{\}) ?)+(?:-\{\})?$|^\w+=\S*$"
    r"|^[A-Z][a-z]+(?:-[A-Z][a-z]+)+$|-src (?:'|data:|blob:)|^use strict$|^tuple\["
    r"|^(?:translate|scale|matrix|brightness)(?:3d)?\("
)
_GROUP = re.compile(r"\(\?[:P<=!]")
_WORDS = re.compile(r"[A-Za-zÀ-ÿ’']{2,}")


def is_read(text: str) -> bool:
    """True for text that people read: several words, or the beginning of a label, and not code."""
    plain = text.replace(HOLE, " ").strip()
    words = _WORDS.findall(plain)
    if not words or _CODE.search(text):
        return False
    if len(words) == 1:
        label = re.fullmatch(r"[A-Z][a-z]+[…:.?!]?", plain)
        # A word beside what is filled in, such as "{} recordings".
        counted = HOLE in text and re.search(rf"(?:^| ){words[0]}(?:[ .,;:…)]|$)", text.strip())
        return bool(label or (counted and " " in text.strip() and "_" not in plain))
    filled = text.replace(HOLE, "is")
    return re.search(r"[A-Za-zÀ-ÿ’']{2,}[,;:.)”]* [(“]?[A-Za-zÀ-ÿ]", filled) is not None


# --- Python -----------------------------------------------------------------------------------


def python_strings(source: str) -> list[str]:
    """Return what people read in a Python file; an error as one sentence, as it is printed."""
    reader = _Python()
    reader.visit(ast.parse(source))
    return reader.found


class _Python(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[str] = []

    def _add(self, text: str, *, shown: bool = False) -> None:
        if _GROUP.search(text):
            return  # a regular expression: its angle brackets are no tags
        for part in _without_tags(text) if "<" in text else [text]:
            if is_read(part) or (shown and re.search(r"[A-Za-z]{2,}", part)):
                self.found.append(part)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # else a docstring
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._add(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._text(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if _joined(node) is None:
            self.generic_visit(node)
        else:
            self._text(node)

    def _text(self, node: ast.expr, *, shown: bool = False) -> None:
        """Add the text of a string expression, then what its holes may be filled with."""
        text = _joined(node)
        if text is None:
            self.visit(node)
            return
        self._add(text, shown=shown)
        for hole in _holes(node):
            self.visit(hole)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Pass over what is compared with: it is data."""
        for part in (node.left, *node.comparators):
            if not isinstance(part, ast.Constant):
                self.visit(part)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)
        if not isinstance(node.slice, ast.Constant):
            self.visit(node.slice)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None and not (
                isinstance(key, ast.Constant) and " " not in str(key.value)
            ):
                self.visit(key)
            self.visit(value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_arg(self, node: ast.arg) -> None:
        """Pass over annotations."""

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        self.visit(node.func)
        if "where" in given and node.args and (name.endswith("Error") or "fix" in given):
            self._error(node, given)
            return
        for argument in node.args:
            self._text(argument, shown=name in _SHOWING)
        for keyword, value in given.items():
            self._text(value, shown=keyword in _SHOWN)

    def _error(self, node: ast.Call, given: dict[str | None, ast.expr]) -> None:
        """Add an error as ``SightlineError`` prints it."""
        what, where, fix = (
            "" if part is None else _joined(part) or HOLE
            for part in (node.args[0], given.get("where"), given.get("fix"))
        )
        message = f"{where}: {what}." if where else f"{what}."
        self.found.append(f"{message} {fix}." if fix else message)
        for part in [*node.args, *given.values()]:
            for hole in [part] if _joined(part) is None else _holes(part):
                self.visit(hole)


def _joined(node: ast.expr) -> str | None:
    """Return the text of a string expression with holes, None if it is not one."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _joined(node.left), _joined(node.right)
        if left is None and right is None:
            return None
        return (HOLE if left is None else left) + (HOLE if right is None else right)
    return None


def _holes(node: ast.expr) -> list[ast.expr]:
    """Return the expressions that fill the holes of a string expression."""
    if isinstance(node, ast.JoinedStr):
        return [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
    if isinstance(node, ast.BinOp):
        sides = (node.left, node.right)
        return [
            hole for side in sides for hole in ([side] if _joined(side) is None else _holes(side))
        ]
    return []


# --- Pages, scripts, notebooks ------------------------------------------------------------------


class _Text(HTMLParser):
    """Text and the attributes that are read or spoken."""

    ATTRIBUTES = frozenset({"alt", "aria-label", "content", "placeholder", "title", "value"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        self.found += [value for name, value in attrs if name in self.ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)


def _without_tags(text: str) -> list[str]:
    # What stands within a sentence does not end it.
    text = re.sub(r"</?(?:a|abbr|b|br|code|em|i|kbd|small|strong|sup)\b[^<>]*>", "", text)
    if "<" not in text:
        return [text]
    parser = _Text()
    parser.feed(text)
    parser.close()
    return [part for part in (part.strip() for part in parser.found) if part]


def template_strings(source: str) -> list[str]:
    """Return what people read in an HTML file with Jinja's tags."""
    plain = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
    plain = re.sub(r"\{%.*?%\}", "\n\n", re.sub(r"\{\{.*?\}\}", HOLE, plain), flags=re.DOTALL)
    parts = (part for text in _without_tags(plain) for part in re.split(r"\n\s*\n", text))
    return [text for part in parts if is_read(text := " ".join(part.split()))]


_SCRIPT = re.compile(
    r"""//[^\n]*|/\*.*?\*/"""
    r"""|(?<=[=(,:\[!&|?{};\n]) *(?P<pattern>/(?![/*])(?:\\.|\[(?:\\.|[^\]])*\]|[^/\n\\])+/)"""
    r"""|"(?P<double>(?:\\.|[^"\\\n])*)"|'(?P<single>(?:\\.|[^'\\\n])*)'|`(?P<template>(?:\\.|[^`\\])*)`""",
    re.DOTALL,
)


def script_strings(source: str) -> list[str]:
    """Return what people read in a JavaScript file."""
    found = []
    for match in _SCRIPT.finditer(source):
        text = match["double"] or match["single"] or match["template"] or ""
        for inner in re.findall(r"\$\{([^}]*)\}", text):
            found += script_strings(inner)
        text = re.sub(r"\$\{[^}]*\}", HOLE, text)
        found += [
            part for part in (_without_tags(text) if "<" in text else [text]) if is_read(part)
        ]
    return found


def notebook_strings(source: str) -> list[str]:
    """Return the title, the description, the Markdown and the strings of a notebook."""
    notebook = json.loads(source)
    about = notebook["metadata"].get("sightline", {})
    found = [about[name] for name in ("title", "description") if name in about]
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            found += [line for line in text.splitlines() if line.strip()]
        else:
            found += python_strings(text)
            found += re.findall(r"#\s*(.+)$", text, re.MULTILINE)
    return found


# --- The file ---------------------------------------------------------------------------------

_READERS = {
    ".py": python_strings, ".html": template_strings, ".j2": template_strings,
    ".js": script_strings, ".ipynb": notebook_strings,
}  # fmt: skip
_FOLDERS = ("workbench", "dashboards", "notebooks")
_FOREIGN = ("workbench/maps/assets/leaflet/",)


def gather(repository: Path = REPOSITORY) -> Iterator[tuple[str, list[str]]]:
    """Yield each file of the interface with the strings that people read in it."""
    paths = sorted(
        path for folder in _FOLDERS for path in (repository / folder).rglob("*")
        if path.suffix in _READERS and ".ipynb_checkpoints" not in path.parts
    )  # fmt: skip
    for path in paths:
        name = path.relative_to(repository).as_posix()
        if name.startswith(_FOREIGN):
            continue
        strings = _READERS[path.suffix](path.read_text(encoding="utf-8"))
        kept = dict.fromkeys(re.sub(r"\s*\n\s*", r"\\n", text.strip()) for text in strings)
        if kept:
            yield name, list(kept)


def page(found: Iterator[tuple[str, list[str]]]) -> str:
    """Return the text of the file: the name of each source, then its strings."""
    return "\n".join("\n".join((f"== {name}", *strings)) + "\n" for name, strings in found)


def main(given: Sequence[str] | None = None) -> int:
    """Write the file, or check it; return the exit status."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--check", action="store_true", help="write nothing; 1 if it would change")
    text = page(gather())
    if not options.parse_args(given).check:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(
        "tests/interface_strings.txt is not what the sources give: "
        "run python -m tools.interface_strings, and read what changed\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
