"""The house: imports point one way, walls hold, no files go in a circle, and none is endless."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Set
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import workbench

REPOSITORY = Path(__file__).parents[1]
LONGEST_MODULE = 450  # lines
# The gallery is rebuilt room by room when it is kept in parts.
MAY_BE_LONGER = ("workbench/gallery/",)
# What only one room may import, and the room.
WALLED = {
    "deepface": "faces",
    "dlib": "faces",
    "duckdb": "gallery",
    "folium": "maps",
    "branca": "maps",
    "ipywidgets": "widgets",
    "ipyleaflet": "widgets",
    "anywidget": "widgets",
    "voila": "server",
    "tornado": "server",
    "jupyter_server": "server",
    "cryptography": "casework",
    "fpdf": "casework",
    "ray": "cluster",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of the tree in *folder*."""
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(folder), "PATH": ""},
    )  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the tree, to plant forbidden imports in."""
    shutil.copytree(
        REPOSITORY / "workbench", tmp_path / "workbench",
        ignore=shutil.ignore_patterns("__pycache__", "assets", "template"),
    )  # fmt: skip
    shutil.copyfile(REPOSITORY / ".importlinter", tmp_path / ".importlinter")
    return tmp_path


def plant(path: Path, line: str) -> None:
    """Add an import to a module, inside a function: a late import is an import too."""
    with path.open("a") as module:
        module.write(f"\n\ndef planted() -> None:\n    {line}\n")


def test_imports_keep_to_the_contracts() -> None:
    done = lint(REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_room_that_imports_what_belongs_to_another_breaks_a_contract(copy: Path) -> None:
    """In every room: a contract names who may, so that no room is forgotten."""
    rooms = sorted(copy.joinpath("workbench").iterdir())
    modules = [
        room if room.is_file() else room / "__init__.py"
        for room in rooms
        if room.suffix == ".py" or room.is_dir()
    ]
    for module in modules:
        room = module.parent.name if module.name == "__init__.py" else module.stem
        for package, owner in WALLED.items():
            if room != owner:
                plant(module, f"import {package}")
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = " ".join(done.stdout.split())
    for module in modules:
        relative = module.relative_to(copy).with_suffix("")
        name = ".".join(relative.parts).removesuffix(".__init__")
        room = name.removeprefix("workbench.")
        for package, owner in WALLED.items():
            if room != owner:
                assert f"- {name} -> {package} (l." in broken, (name, package)


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("investigation", "from workbench.permit.issuing import issue", "issues permits"),
        ("casework/register", "from workbench.permit.issuing import issue", "issues permits"),
        ("casework/authority", "from workbench.permit.seal import seal_of", "knows the seal"),
        ("widgets/review", "from workbench.gallery.search import search", "through investigation"),
        ("cli/main", "from workbench.gallery import search", "through investigation"),
        ("footage/frames", "import workbench.gallery.store", "only the rooms before it"),
        ("widgets/components/cards", "from workbench.widgets import review", "made of components"),
        ("widgets/review", "from workbench.widgets.investigate import model", "made of components"),
    ],
)
def test_a_wall_that_is_stepped_over_is_a_broken_contract(
    copy: Path, module: str, line: str, contract: str
) -> None:
    plant(copy / "workbench" / f"{module}.py", line)
    done = lint(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = [said for said in done.stdout.splitlines() if said.endswith("BROKEN")]
    assert len(broken) == 1, broken
    assert contract in broken[0]


def test_only_tests_and_benchmarks_of_the_search_issue_permits_themselves() -> None:
    """Beside casework's authority: those that search a gallery with no case around it."""
    found = subprocess.run(
        ["git", "grep", "-l", "permit.issuing", "--", "*.py", "*.ipynb"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert {name for name in found if not name.startswith("workbench/")} == {
        "benchmarks/casework.py",
        "benchmarks/parts.py",
        "benchmarks/search.py",
        "benchmarks/searchers.py",
        "tests/casework/abuse/test_permits.py",
        "tests/faults/test_gallery_bad_input.py",
        "tests/faults/test_gallery_processes.py",
        "tests/gallery/test_lifecycle.py",
        "tests/gallery/test_search.py",
        "tests/gallery/test_searching.py",
        "tests/gallery/test_store.py",
        "tests/searchers/test_spread.py",
        "tests/support/searching.py",
        "tests/test_architecture.py",
        "tests/test_permit.py",
        "tests/test_tickets.py",
    }


def circle(imports: Mapping[str, Set[str]]) -> list[str]:
    """Files that import each other in a circle, or none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def imports_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """By module what it imports of the package, inside functions and for types too."""
    monkeypatch.syspath_prepend(str(folder))
    graph = grimp.build_graph("workbench", cache_dir=None)
    return {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}


def test_no_files_import_each_other_in_a_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    imports = imports_of(REPOSITORY, monkeypatch)
    assert len(imports) > 150
    assert circle(imports) == []


def test_a_circle_inside_functions_is_a_circle(monkeypatch: pytest.MonkeyPatch) -> None:
    imports = imports_of(REPOSITORY, monkeypatch)
    imports["workbench.footage.motion"].add("workbench.footage.frames")
    imports["workbench.footage.frames"].add("workbench.footage.motion")
    assert set(circle(imports)) == {"workbench.footage.motion", "workbench.footage.frames"}


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {
        path.relative_to(REPOSITORY).as_posix(): len(path.read_text("utf-8").splitlines())
        for folder in ("workbench", "tools")
        for path in (REPOSITORY / folder).rglob("*.py")
    }
    longer = {
        name: length
        for name, length in lengths.items()
        if length > LONGEST_MODULE and not name.startswith(MAY_BE_LONGER)
    }
    assert longer == {}


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, json, workbench; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    heavy = {
        "numpy", "pandas", "cv2", "av", "duckdb", "deepface", "dlib", "folium", "plotly",
        "ipywidgets", "ipyleaflet", "pyarrow", "scipy", "shapely", "voila", "pydantic",
    }  # fmt: skip
    assert not loaded & heavy


def test_every_public_name_is_there() -> None:
    for name in workbench.__all__:
        assert getattr(workbench, name) is not None


def test_completion_offers_every_public_name_and_no_other() -> None:
    offered = dir(workbench)
    assert offered == sorted(workbench.__all__)
    assert {
        "calibrate", "compare_profiles", "evaluate", "evaluation", "profiles", "training_case",
    } <= {*offered}  # fmt: skip


def test_every_public_name_has_a_type() -> None:
    """Names come from a table at run time; type checkers read the imports above it."""
    tree = ast.parse(Path(workbench.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imported = {alias.asname for node in ast.walk(block) if isinstance(node, ast.ImportFrom)
                for alias in node.names} - {None}  # fmt: skip
    assigned = {node.id for node in ast.walk(block)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}  # fmt: skip
    assert imported | assigned == set(workbench.__all__)
