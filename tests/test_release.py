"""A release says one thing everywhere: version, date, how to cite it, and what must not be sent."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[1]
FORMS = sorted(REPOSITORY.glob(".github/ISSUE_TEMPLATE/*.yml"))
CONFIG = REPOSITORY / ".github/ISSUE_TEMPLATE/config.yml"
VERSION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
# Keys of CFF 1.2.0 that a citation of software may have, and those that it must.
CITED = {
    "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi",
    "identifiers", "keywords", "license", "license-url", "message", "preferred-citation",
    "references", "repository", "repository-artifact", "repository-code", "title", "type", "url",
    "version",
}  # fmt: skip
NEEDED = {"cff-version", "message", "title", "authors"}


@pytest.fixture(scope="module")
def citation() -> dict[str, Any]:
    read = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert isinstance(read, dict)
    return read


def sections(document: str) -> list[str]:
    return re.findall(r"^## (.+)$", (REPOSITORY / document).read_text(), re.MULTILINE)


def test_the_citation_is_of_the_form_that_it_names(citation: dict[str, Any]) -> None:
    assert NEEDED <= set(citation) <= CITED
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["authors"] == [{"name": "The Sightline authors"}]
    assert all(
        isinstance(citation[key], str) for key in ("message", "title", "abstract", "license")
    )
    assert len(set(citation["keywords"])) == len(citation["keywords"])
    # Both as text: YAML would read the one as a number, the other as a date.
    assert isinstance(citation["version"], str)
    assert isinstance(citation["date-released"], str)


def test_the_citation_has_version_and_date_of_the_release(citation: dict[str, Any]) -> None:
    assert citation["version"] == VERSION
    newest = sections("CHANGELOG.md")[0]
    released = date.fromisoformat(citation["date-released"])
    assert newest == f"{VERSION} ({released})"


def test_the_version_has_its_section_about_upgrading() -> None:
    assert f"To {VERSION}" in sections("docs/upgrading.md")


def test_there_are_forms_for_faults_inputs_and_ideas() -> None:
    assert [form.stem for form in FORMS] == ["bug", "config", "idea", "input"]
    assert yaml.safe_load(CONFIG.read_text())["blank_issues_enabled"] is False


@pytest.mark.parametrize(
    "path", [form for form in FORMS if form != CONFIG], ids=lambda path: path.stem
)
def test_a_form_has_what_a_form_needs(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    assert set(form) == {"name", "description", "title", "labels", "body"}
    assert all(isinstance(form[key], str) and form[key] for key in ("name", "description", "title"))
    fields = [part for part in form["body"] if part["type"] != "markdown"]
    names = [part["id"] for part in fields]
    assert len(set(names)) == len(names)
    for part in form["body"]:
        assert set(part) <= {"type", "id", "attributes", "validations"}
        match part["type"]:
            case "markdown":
                assert part["attributes"]["value"].strip()
            case "input" | "textarea":
                assert part["attributes"]["label"]
            case "dropdown":
                assert len(set(part["attributes"]["options"])) > 1
            case "checkboxes":
                assert all(option["label"] for option in part["attributes"]["options"])
            case other:
                pytest.fail(f"{other} is not a kind of field")


@pytest.mark.parametrize("name", ["bug", "input"])
def test_a_form_to_which_files_are_attached_wants_none_of_people(name: str) -> None:
    body = yaml.safe_load((CONFIG.parent / f"{name}.yml").read_text())["body"]
    assert re.search(r"\*\*(Never a|A)ttach (no|footage|\w+ or).*", body[0]["attributes"]["value"])
    (stated,) = (part for part in body if part["type"] == "checkboxes")
    assert [option["required"] for option in stated["attributes"]["options"]] == [True]


def test_who_asks_for_a_change_reads_what_must_not_be_in_it() -> None:
    asked = (REPOSITORY / ".github/pull_request_template.md").read_text()
    assert "of a real person" in asked
