"""No JavaScript of ours escapes ``make js``: proven by planting faults in a copy of all of it."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
TOOLS = REPOSITORY / "tools/javascript"
VENDORED = "workbench/maps/assets/leaflet/"

TYPE_ERROR = '\n/** @type {number} */ export const planted = "text";\n'
UNUSED = "\nconst forgotten = 1;\n"
LONG = "\nexport function long() {\n" + '  document.title += "!";\n' * 79 + "}\n"


@pytest.fixture(scope="module")
def scripts() -> list[str]:
    """Our own scripts, as paths in the repository."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.js"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    ours = [
        path
        for path in done.stdout.splitlines()
        if not path.startswith(VENDORED) and (REPOSITORY / path).exists()
    ]
    assert ours
    return ours


@pytest.fixture
def copy(tmp_path: Path, scripts: list[str]) -> Path:
    """A copy of our scripts and of what guards them."""
    for name in ("Makefile", "deno.json", ".oxlintrc.json"):
        shutil.copyfile(REPOSITORY / name, tmp_path / name)
    shutil.copytree(TOOLS, tmp_path / TOOLS.relative_to(REPOSITORY))
    for path in scripts:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / path, tmp_path / path)
    return tmp_path


def plant(fault: str, copy: Path, scripts: list[str]) -> None:
    """Append *fault* to each of *scripts*."""
    for path in scripts:
        with (copy / path).open("a") as file:
            file.write(fault)


def make_js(folder: Path) -> tuple[int, str]:
    """Run ``make js`` in *folder* with the tools of this environment.

    Returns
    -------
    int
        Its exit status.
    str
        What it printed.
    """
    environment = Path(sys.executable).parents[1]
    for tool in ("oxlint", "deno"):
        if not (environment / "bin" / tool).exists():
            pytest.skip(f"{tool} is not installed; it is in requirements-dev.lock")
    # Nothing but this: with CI=true among them, the linter prints in another form.
    variables = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "NO_COLOR": "1"}
    done = subprocess.run(
        ["make", f"--old-file={environment}/.installed-dev", f"VENV={environment}", "js"],
        cwd=folder, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_scripts_without_a_fault_pass(copy: Path) -> None:
    status, output = make_js(copy)
    assert status == 0, output


def test_a_type_error_is_reported_in_each_script(copy: Path, scripts: list[str]) -> None:
    plant(TYPE_ERROR, copy, scripts)
    status, output = make_js(copy)
    assert status != 0
    for path in scripts:
        assert re.search(rf"TS2322(?:(?!TS\d).)*?/{re.escape(path)}:\d", output, re.DOTALL), path


def test_the_linter_reports_each_script(copy: Path, scripts: list[str]) -> None:
    plant(UNUSED + LONG, copy, scripts)
    status, output = make_js(copy)
    assert status != 0
    for path in scripts:
        for rule in ("no-unused-vars", "max-lines-per-function"):
            found = rf"\({rule}\)(?:(?!eslint).)*?\[{re.escape(path)}:\d"
            assert re.search(found, output, re.DOTALL), (rule, path)


def test_lint_runs_it() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    assert re.search(r"^lint:.*\bjs\b", makefile, re.MULTILINE)


def test_no_template_has_a_script_of_its_own() -> None:
    """One that stands in HTML is looked at by neither tool."""
    templates = [
        path
        for path in (REPOSITORY / "workbench/server/template").rglob("*")
        if path.suffix in {".html", ".j2"}
    ]
    assert templates
    for path in templates:
        for script in re.findall(r"<script>(.*?)</script>", path.read_text(), re.DOTALL):
            assert re.fullmatch(r'\{% include "static/\w+\.js" %\}', script.strip()), path


def widgets() -> dict[str, tuple[set[str], Path]]:
    """The synchronised traits of each widget, by the name of its class, and its script."""
    found = {}
    for module in (REPOSITORY / "workbench").rglob("*.py"):
        text = module.read_text()
        if "_esm" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.ClassDef):
                continue
            values: dict[str, str] = {}
            for line in node.body:
                if isinstance(line, ast.Assign | ast.AnnAssign) and line.value is not None:
                    target = line.targets[0] if isinstance(line, ast.Assign) else line.target
                    values[ast.unparse(target)] = ast.unparse(line.value)
            if script := re.search(r"[\w-]+\.js", values.get("_esm", "")):
                traits = {name for name, value in values.items() if "tag(sync=True" in value}
                found[node.name] = (traits, module.with_name(script[0]))
    return found


def test_a_script_has_the_traits_of_its_widget() -> None:
    """The checker believes what a script says its traits are."""
    assert len(widgets()) >= 7
    for name, (traits, script) in widgets().items():
        block = re.search(r"@typedef \{object\} Traits\n(.*?)\*/", script.read_text(), re.DOTALL)
        declared = set(re.findall(r"@property \{.*\} (\w+)", block[1])) if block else set()
        assert declared == traits, name
