"""No hidden state: settings and cases are looked up at the doors alone, and kept nowhere."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import workbench
from workbench import widgets

PACKAGE = Path(workbench.__file__).parent
# What finds the installation of the environment, and what holds settings or cases.
FINDS = {"load_settings", "Installation.open"}
HOLDS = {"Settings", "load_settings", "Installation", "CaseRegister", "open_register"}
# Commands and functions for notebooks may do so anywhere; so may the check of an installation.
DOORS = ("cli/", "notebook/", "doctor/")
# Elsewhere these functions alone: pages, what makes a kernel ready for one, and the room itself.
DOOR_FUNCTIONS = {
    **{f"widgets/{name}.py": name for name in ("audit", "footage", "indexing", "people")},
    "widgets/sightings.py": "sightings",
    "server/api/application.py": "serve",
    "widgets/cases/page.py": "cases",
    "widgets/review/page.py": "review",
    "widgets/investigate/page.py": "investigate",
    "widgets/thresholds/page.py": "thresholds",
    "widgets/prewarm.py": "prewarm",
    "indexing/on_node.py": "reader",  # a process on another machine
    "searchers/on_node.py": "searcher",
    "demo/opened.py": "open_demo",
    "installation.py": "open",
}


def name_of(node: ast.expr) -> str:
    """``load_settings`` or ``Installation.open``, however it was imported; else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        whole = f"{name_of(node.value).rpartition('.')[2]}.{node.attr}"
        return whole if whole in FINDS else node.attr
    return ""


def lookups(tree: ast.Module) -> set[str]:
    """The functions in which the installation of the environment is looked up."""
    found = set()

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.Call) and name_of(node.func) in FINDS:
            found.add(function)
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(tree, "<module>")
    return found


def kept(tree: ast.Module) -> list[str]:
    """What keeps settings or cases for as long as the process lives."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and names(node) & HOLDS:
            found.append(f"line {node.lineno}: a variable of the module")
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        decorators = {
            name_of(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list
        }
        arguments = node.args
        takes = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        if decorators & {"cache", "lru_cache"} and not takes and names(node) & HOLDS:
            found.append(f"line {node.lineno}: {node.name} is cached")
    return found


def names(tree: ast.AST) -> set[str]:
    """The names in a piece of code, annotations included."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_installation_is_looked_up_at_the_doors_alone(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = str(path.relative_to(PACKAGE))
    if not name.startswith(DOORS):
        assert lookups(tree) <= {DOOR_FUNCTIONS.get(name, "")}
    assert kept(tree) == []


def test_the_doors_are_those_that_people_use() -> None:
    pages = {name for name in widgets.__all__ if name.islower()}
    assert pages <= set(DOOR_FUNCTIONS.values())
    for name in DOOR_FUNCTIONS:
        assert lookups(ast.parse((PACKAGE / name).read_text(encoding="utf-8"))), name


@pytest.mark.parametrize(
    "code",
    [
        "def words(model):\n    return load_settings().zone",
        "class Model:\n    def refresh(self):\n        self.cases = Installation.open().register",
        "from workbench import settings\n\nhere = lambda: settings.load_settings()",
    ],
)
def test_a_lookup_behind_a_door_is_seen(code: str) -> None:
    assert lookups(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "@cache\ndef settings():\n    return load_settings()",
        "@functools.lru_cache(maxsize=1)\ndef here():\n    return open_register(Settings())",
        "_open: dict[Path, CaseRegister] = {}",
        "INSTALLATION = Installation.open()",
    ],
)
def test_what_is_kept_is_seen(code: str) -> None:
    assert kept(ast.parse(code))
