"""Docstrings stand alone: every public name has one, and none leans on its neighbours."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "workbench"
MODULES = sorted(PACKAGE.rglob("*.py"))
# First words that mean nothing where a docstring is read by itself, as in help().
LEANING = re.compile(r"(?:That|Those|These|This|They|It|Of|What|Where|Whether|Who|How|The same)\b")

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public(node: Documented) -> Iterator[tuple[str, Documented]]:
    """A module and the classes, functions and methods that others may use."""
    yield getattr(node, "name", "module"), node
    children = node.body if isinstance(node, ast.Module | ast.ClassDef) else []
    for child in children:
        named = isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if named and not child.name.startswith("_"):
            yield from public(child)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_public_name_says_what_it_is_by_itself(module: Path) -> None:
    named = [*public(ast.parse(module.read_text("utf-8")))]
    texts = {name: ast.get_docstring(node) or "" for name, node in named}
    assert [name for name, text in texts.items() if not text] == []
    assert [text.splitlines()[0] for text in texts.values() if LEANING.match(text)] == []
    # Once: a second text after the first is no docstring, and shows nowhere.
    assert [name for name, node in named if len(node.body) > 1 and is_text(node.body[1])] == []


def is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
