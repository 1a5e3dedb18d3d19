"""Wheel and sdist: what is in them, what they say of themselves, and what is said of third parties.

They are built by what tools/ensure-build has installed, without an index.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tools import audit, package_check, third_parties
from workbench import __version__

REPOSITORY = Path(__file__).parents[1]
STEM = f"sightline_workbench-{__version__}"
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".heic", ".mp4", ".mkv", ".avi", ".mov"}


def kept() -> set[str]:
    """Files of the repository, those that are not committed yet included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return {line for line in done.stdout.splitlines() if (REPOSITORY / line).is_file()}


def build(source: Path, target: Path, *kinds: str) -> None:
    tool = Path(sys.prefix, "hatchling")
    if not tool.is_dir():
        pytest.skip("NO PACKAGE WAS BUILT: tools/ensure-build installs what builds them")
    chosen = [word for kind in kinds for word in ("-t", kind)]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", *chosen, "-d", target], cwd=source,
        env={**os.environ, "PYTHONPATH": str(tool)}, capture_output=True, check=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    build(REPOSITORY, folder, "wheel", "sdist")
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(dist / f"{STEM}-py3-none-any.whl")


@pytest.fixture(scope="module")
def about(wheel: zipfile.ZipFile) -> Message:
    return Parser().parsestr(wheel.read(f"{STEM}.dist-info/METADATA").decode())


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    made: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    return made


def below(prefix: str, target: str) -> set[str]:
    """Files below a folder of the repository, as they are named below another."""
    return {target + name.removeprefix(prefix) for name in kept() if name.startswith(f"{prefix}/")}


def test_the_wheel_holds_the_package_and_its_data_and_nothing_else(
    wheel: zipfile.ZipFile, project: dict[str, Any]
) -> None:
    target = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    expected = below("workbench", "workbench")
    for source, place in target["force-include"].items():
        expected |= below(source, place)
    for source, place in target["shared-data"].items():
        there = f"{STEM}.data/data/{place}"
        expected |= below(source, there) or {there}
    inside = {name for name in wheel.namelist() if not name.startswith(f"{STEM}.dist-info/")}
    assert inside == expected
    assert not [name for name in inside if "test" in Path(name).name.lower()]
    # Pictures and films: rendered people, and the markers of Leaflet.
    for name in inside:
        if Path(name).suffix.lower() in PICTURES:
            assert name.startswith(("workbench/demo/_data/", "workbench/maps/assets/leaflet/"))


def test_the_wheel_brings_the_texts_of_all_licences_that_it_names(
    wheel: zipfile.ZipFile, about: Message
) -> None:
    vendored = json.loads(third_parties.VENDORED.read_text())["packages"]
    licences = {one["licence"] for one in vendored}
    assert about["License-Expression"] == " AND ".join(["Apache-2.0", *sorted(licences)])
    inside = {name for name in wheel.namelist() if "/licenses/" in name}
    texts = {f"LICENSES/{one['name']}.txt" for one in vendored}
    assert inside == {f"{STEM}.dist-info/licenses/{name}" for name in {"LICENSE", *texts}}
    assert {f"LICENSES/{path.name}" for path in (REPOSITORY / "LICENSES").iterdir()} == texts
    for one in vendored:
        beside = REPOSITORY / f"workbench/maps/assets/{one['name']}/LICENSE"
        assert (REPOSITORY / f"LICENSES/{one['name']}.txt").read_bytes() == beside.read_bytes()


def test_the_wheel_says_what_it_is_and_what_it_needs(
    wheel: zipfile.ZipFile, about: Message, project: dict[str, Any]
) -> None:
    given = project["project"]
    assert about["Name"] == given["name"] == "sightline-workbench"
    assert about["Version"] == __version__
    assert about["Requires-Python"] == ">=3.11"
    assert set(about.get_all("Provides-Extra", [])) == set(given["optional-dependencies"])
    needed = [Requirement(line) for line in about.get_all("Requires-Dist", [])]
    plain = {str(one) for one in needed if one.marker is None}
    assert plain == {str(Requirement(line)) for line in given["dependencies"]}
    entry = wheel.read(f"{STEM}.dist-info/entry_points.txt").decode()
    assert "sightline = workbench.cli.main:main" in entry


def test_the_page_of_a_package_index_leads_nowhere_that_is_not_there(
    wheel: zipfile.ZipFile, about: Message, project: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    relative = r"!?\[[^]]*\]\((?!https?://|#)[^)]*\)"
    readme = (REPOSITORY / "README.md").read_text()
    assert len(re.findall(relative, readme)) > 30
    shown = about.get_payload()
    assert isinstance(shown, str)
    assert "## What it will never do" in shown
    assert re.findall(relative, shown) == []
    source = project["project"].get("urls", {}).get("Source")
    assert (f"/blob/v{__version__}/" in shown) == bool(source)

    monkeypatch.syspath_prepend(Path(sys.prefix, "hatchling"))
    monkeypatch.syspath_prepend(REPOSITORY)
    made = importlib.import_module("hatch_build").long_description
    text = "![A page](docs/a.webp)\n\n[a](docs/a.md#b), [c](#c) and [d](https://d.example/)\n"
    assert made(text, "https://git.example/sightline", "v1") == (
        "![A page](https://git.example/sightline/raw/v1/docs/a.webp)\n\n"
        "[a](https://git.example/sightline/blob/v1/docs/a.md#b), [c](#c) and [d](https://d.example/)\n"
    )
    assert made(text, "", "v1") == "\n\na, [c](#c) and [d](https://d.example/)\n"


def test_the_sdist_makes_the_same_wheel_and_holds_no_tests(
    dist: Path, wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    with tarfile.open(dist / f"{STEM}.tar.gz") as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
        archive.extractall(tmp_path, filter="data")
    assert {name.split("/")[0] for name in names if "/" in name} == {
        "workbench", "dashboards", "notebooks", "data", "deploy", "docs", "examples", "LICENSES",
    }  # fmt: skip
    assert names - {"PKG-INFO"} <= kept()
    for name in names:
        if Path(name).suffix.lower() in PICTURES:
            assert name.startswith(("data/demo/", "docs/images/", "workbench/maps/assets/leaflet/"))
    build(tmp_path / STEM, tmp_path, "wheel")
    again = zipfile.ZipFile(tmp_path / f"{STEM}-py3-none-any.whl")
    assert {one.filename: one.CRC for one in again.infolist()} == {
        one.filename: one.CRC for one in wheel.infolist()
    }


def test_what_is_used_beyond_its_api_has_an_upper_bound(project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    bounded = {
        requirement.name: "<" in str(requirement.specifier)
        for lines in (project["project"]["dependencies"], extras["cluster"], extras["dev"])
        for requirement in map(Requirement, lines)
    }
    private = set()
    for path in (REPOSITORY / "workbench").rglob("*.py"):
        pattern = r"^\s*(?:from|import) (\w+)((?:\.\w+)*\._\w+|[\w.]* import _\w)"
        private |= {match[0] for match in re.findall(pattern, path.read_text(), re.MULTILINE)}
    private -= {"workbench"}
    assert "ray" in private  # the pattern finds what there is
    known = {"voila", "deepface", "folium", "plotly", "tornado", "jupyter-server", "jupyter-client"}
    assert {name for name in private | known if not bounded[name]} == set()


def test_third_parties_are_those_of_the_lock() -> None:
    written = third_parties.PAGE.read_text().split("## Packages")[1].split("## Libraries")[0]
    rows = dict(re.findall(r"^\| ([\w.-]+) \| ([\w., -]+) \| .+ \|$", written, re.MULTILINE))
    assert rows.pop("package") == "version"
    rows.pop("---")
    locked: dict[str, list[str]] = {}
    for pin in third_parties.pins():
        if pin.on_linux():
            locked.setdefault(pin.name, []).append(pin.version)
    assert rows == {name: ", ".join(dict.fromkeys(found)) for name, found in locked.items()}
    assert "| unknown |" not in third_parties.PAGE.read_text()


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11) or platform.machine() != "x86_64",
    reason="the page is written with Python 3.11 on x86-64, whose wheels it is about",
)
def test_the_page_of_third_parties_is_what_the_packages_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert third_parties.main(["--check"]) == 0, capsys.readouterr().err
    old = tmp_path / "third-party.md"
    old.write_text(third_parties.PAGE.read_text().replace("| MIT |", "| ISC |", 1))
    monkeypatch.setattr(third_parties, "page", third_parties.PAGE.read_text)
    monkeypatch.setattr(third_parties, "PAGE", old)
    assert third_parties.main(["--check"]) == 1


def test_the_bill_of_materials_names_all_that_is_installed_and_what_needs_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1764201600")
    files = tmp_path / "new" / "a.json", tmp_path / "new" / "b.json"
    for file in files:
        assert third_parties.main(["--sbom", str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    bill = json.loads(files[0].read_text())
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert bill["metadata"]["timestamp"] == "2025-11-27T00:00:00+00:00"
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    references = {one["bom-ref"] for one in bill["components"]}
    here = {f"pkg:pypi/{pin.name}@{pin.version}" for pin in third_parties.pins() if pin.applies()}
    assert references == {address.lower() for address in here} | {"pkg:npm/leaflet@1.9.4"}
    assert all(one["licenses"] for one in bill["components"])
    needs = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    assert set(needs) == references | {bill["metadata"]["component"]["bom-ref"]}
    assert {name for names in needs.values() for name in names} <= references
    # Everything is there because Sightline, or what it needs, needs it.
    reached: set[str] = set()
    ahead = [bill["metadata"]["component"]["bom-ref"]]
    while ahead:
        new = set(needs[ahead.pop()]) - reached
        reached |= new
        ahead += new
    assert reached == references


ANSWER = {
    "dependencies": [
        {"name": "sound", "version": "1", "vulns": []},
        {"name": "weak", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]},
    ]
}


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        (f"echo '{json.dumps(ANSWER)}'; exit 1", 1, "weak 2: PYSEC-1, mended in 3"),
        ("""echo '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}'""", 0, "1 packa"),
        ("echo 'no route to host' >&2; exit 1", 2, "NOT AUDITED: .*no route to host"),
        ("""echo '{"dependencies": []}'""", 2, "0 packages audited"),
        (
            """echo '{"dependencies": [{"name": "a", "skip_reason": "not on the index"}]}'""",
            2, "NOT AUDITED: none of the 1 packages .*: not on the index",
        ),
        (
            """echo '{"dependencies": [{"name": "a", "skip_reason": "not on the index"}, """
            """{"name": "b", "version": "1", "vulns": []}]}'""",
            2, "NOT AUDITED: a: not on the index\n1 packages audited",
        ),
    ],
)  # fmt: skip
def test_an_audit_without_an_answer_is_no_audit(
    tmp_path: Path, script: str, status: int, said: str
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    found, words = audit.audit(REPOSITORY / "requirements.lock", program)
    assert found == status
    assert re.search(said, words)
    assert audit.audit(REPOSITORY / "requirements.lock", tmp_path / "none")[0] == audit.NOT_KNOWN


def test_the_check_of_packages_names_pages_that_there_are() -> None:
    pages = {path.stem for path in (REPOSITORY / "dashboards").glob("*.ipynb")}
    assert len(package_check.PAGES) >= 3
    assert set(package_check.PAGES) <= pages


def test_a_check_of_packages_that_checked_nothing_has_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--dist", str(tmp_path), "--pictures", str(tmp_path)]
    assert package_check.main(given) == 1
    assert f"{STEM}-py3-none-any.whl is not there: `make dist` builds it" in capsys.readouterr().out
    for name in (f"{STEM}-py3-none-any.whl", f"{STEM}.tar.gz"):
        (tmp_path / name).touch()
    monkeypatch.setattr(package_check, "pythons", dict)
    assert package_check.main(given) == 1
    said = capsys.readouterr().out
    assert "Python 3.11: SKIPPED" in said
    assert "nothing was checked" in said
    another = next(
        f"3.{minor}" for minor in package_check.MINORS if minor != sys.version_info.minor
    )
    monkeypatch.setattr(package_check, "pythons", lambda: {another: tmp_path / "python"})
    assert package_check.main([*given, "--own"]) == 1
    said = capsys.readouterr().out
    assert f"Python {another}: LEFT OUT" in said
    assert "nothing was checked" in said


def test_pages_that_cannot_be_opened_fail_the_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(package_check, "CHROMIUM", ("no-browser-of-this-name",))
    with pytest.raises(package_check.Failed, match=r"no-browser.*: no page was opened"):
        package_check.visit("http://127.0.0.1:9/?token=none", tmp_path)


def test_continuous_integration_checks_the_package_that_it_has_built() -> None:
    script = REPOSITORY.joinpath(".ci/run").read_text()
    assert re.search(r"^make .*\bpackage-check\b", script, re.MULTILINE)
    makefile = REPOSITORY.joinpath("Makefile").read_text()
    assert re.search(r"^package-check:.* dist\b.* ##", makefile, re.MULTILINE)
