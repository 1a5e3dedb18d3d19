"""The repository keeps its own promises: locks in step, notebooks clean, small data."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "environment", REPOSITORY / "tools/environment.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_environment_yml_has_the_versions_of_the_lock(tool: ModuleType) -> None:
    written = (REPOSITORY / "environment.yml").read_text()
    assert written == tool.environment()
    pinned = next(d["pip"] for d in yaml.safe_load(written)["dependencies"] if isinstance(d, dict))
    versions = tool.locked_versions(REPOSITORY / "requirements.lock")
    for line in pinned:
        if "==" in line:
            name, version = line.split("==")
            assert versions[name] == version


def test_the_locks_hold_every_requirement_with_hashes(tool: ModuleType) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    dev = project["optional-dependencies"]["dev"]
    for lock, wanted in (
        ("requirements.lock", project["dependencies"]),
        ("requirements-dev.lock", project["dependencies"] + dev),
    ):
        text = (REPOSITORY / lock).read_text()
        versions = tool.locked_versions(REPOSITORY / lock)
        for requirement in wanted:
            name = tool.normal(re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0])
            assert name in versions, f"{name} is not in {lock}: run make lock"
        entries = re.split(r"\n(?=\S)", text)
        pins = [entry for entry in entries if "==" in entry.split("\n")[0]]
        assert pins
        assert all("--hash=sha256:" in entry for entry in pins)


def test_both_locks_agree(tool: ModuleType) -> None:
    runtime = tool.locked_versions(REPOSITORY / "requirements.lock")
    dev = tool.locked_versions(REPOSITORY / "requirements-dev.lock")
    assert {name: dev[name] for name in runtime} == runtime


def test_the_version_is_said_once_in_each_place() -> None:
    import workbench

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["version"] == workbench.__version__
    assert f"## {workbench.__version__}" in (REPOSITORY / "CHANGELOG.md").read_text()
