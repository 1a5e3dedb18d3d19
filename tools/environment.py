"""Write environment.yml: the direct requirements of pyproject.toml at the versions of the lock."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]

HEADER = """\
# For conda and mamba users: mamba env create -f environment.yml
# Made by `make lock` from requirements.lock; a test keeps the two in step.
name: sightline
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def locked_versions(lock: Path, python: str = "3.11") -> dict[str, str]:
    """Names and versions in a lock file, as they apply to one version of Python."""
    versions: dict[str, str] = {}
    pattern = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+))?")
    for line in lock.read_text().splitlines():
        if match := pattern.match(line):
            name, version, marker = match.groups()
            later = re.search(r"python_full_version >= '3\.(\d+)'", marker or "")
            if later and int(later.group(1)) > int(python.split(".")[1]):
                continue
            versions[normal(name)] = version
    return versions


def normal(name: str) -> str:
    """The name as the package index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def environment() -> str:
    """The text of environment.yml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions = locked_versions(ROOT / "requirements.lock")
    names = sorted(
        normal(re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0])
        for requirement in project["dependencies"]
    )
    pins = "".join(f"      - {name}=={versions[name]}\n" for name in names)
    return HEADER + pins + "      - --editable .\n"


if __name__ == "__main__":
    (ROOT / "environment.yml").write_text(environment())
