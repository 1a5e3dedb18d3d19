"""What the pages on law say of Sightline is so: limits, purposes, entries, functions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workbench.casework.cases import CONFIRM_WITHIN, PURPOSES
from workbench.domain import MOST_PHOTOGRAPHS
from workbench.settings import RuleSettings

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
PAGES = [*sorted(DOCS.glob("law/*.md")), DOCS / "security.md", DOCS / "threat-model.md"]


def text(name: str) -> str:
    return (DOCS / name).read_text()


def test_the_limits_are_the_rules_where_no_one_has_set_any() -> None:
    rules = RuleSettings()
    assert (
        f"{rules.largest_area_km2:g} km², {rules.longest_days:g} days, "
        f"{rules.longest_validity_days:g} days of validity, {rules.most_cameras} cameras"
    ) in text("law/assessment.md")
    for name in ("law/assessment.md", "law/retention.md"):
        assert re.search(rf"`retention_days`[^|]*\b{rules.retention_days:g}\b", text(name)), name
    assert f"over after {CONFIRM_WITHIN.total_seconds() / 3600:g} hours" in text("law/index.md")
    assert MOST_PHOTOGRAPHS == 10
    assert "up to ten" in text("law/instructions-for-use.md")


@pytest.mark.parametrize("name", ["law/instructions-for-use.md", "law/assessment.md"])
def test_the_purposes_are_those_of_a_case(name: str) -> None:
    assert [purpose for purpose in PURPOSES if purpose not in text(name)] in ([], ["training"])
    assert len(PURPOSES) == 5  # training, which carries no authority, and four
    assert "four purposes" in text(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_entries_that_a_page_names_are_made(page: Path) -> None:
    code = "".join(path.read_text() for path in REPOSITORY.joinpath("workbench").rglob("*.py"))
    spans = re.findall(r"`([a-z]+(?:\.[a-z]+)+)`", page.read_text())
    named = [span for span in spans if not span.endswith((".duckdb", ".lock"))]
    assert [name for name in named if f'"{name}"' not in code and "workbench." not in name] == []


def test_nothing_of_the_form_is_filled_in_for_the_deployer() -> None:
    form = text("law/assessment.md")
    parts = form.split("\n## ")[1:]
    assert len(parts) == 10
    for part in parts:
        assert "…" in part, part.splitlines()[0]


def test_the_pages_say_that_they_are_no_advice() -> None:
    assert "**This is not legal advice.**" in text("law/index.md")
    assert "[Not legal advice.](index.md)" in text("law/assessment.md")
