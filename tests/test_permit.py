"""A permit opens one question, once, and cannot be made by hand."""

from __future__ import annotations

import ast
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from shapely import box

import workbench
from workbench import permit as permits
from workbench.domain import District, Probe, Scope
from workbench.errors import NotPermitted
from workbench.gallery import Gallery
from workbench.gallery.search import search
from workbench.permit import Permit, issuing
from workbench.permit.issuing import issue

Given = Callable[[], Permit]


@pytest.fixture
def given(gallery: Gallery, subject: Probe, permitted: Scope) -> Given:
    return lambda: issue(
        "A-1", "anna", 7, gallery=gallery.path, template=subject.template, scope=permitted
    )


def test_a_permit_opens_its_question_once(
    gallery: Gallery, subject: Probe, permitted: Scope, given: Given
) -> None:
    permit = given()
    assert search(gallery, subject.template, permitted, permit=permit)
    with pytest.raises(NotPermitted, match="has been used"):
        search(gallery, subject.template, permitted, permit=permit)


@pytest.mark.parametrize("what", ["template", "district", "start", "end", "gallery"])
def test_a_permit_opens_no_other_question(
    gallery: Gallery, subject: Probe, stranger: Probe, permitted: Scope, given: Given,
    what: str, tmp_path: Path,
) -> None:  # fmt: skip
    template, scope, path = subject.template, permitted, gallery.path
    if what == "template":
        template = stranger.template
    elif what == "district":
        scope = replace(scope, district=District("Old Town", box(-0.02, 51.47, 0.0, 51.4900001)))
    elif what == "gallery":
        path = tmp_path / "other.duckdb"
    else:
        moment = getattr(scope, what) + timedelta(microseconds=1)
        scope = replace(scope, **{what: moment})
    with pytest.raises(NotPermitted, match="for another question"):
        permits.spend(given(), gallery=path, template=template, scope=scope)


@pytest.mark.parametrize(
    "change", [{"case": "B-2"}, {"account": "ben"}, {"entry": 8}, {"expires": 1e12},
               {"question": b"0" * 32}, {"seal": b"0" * 32}]
)  # fmt: skip
def test_an_altered_permit_opens_nothing(
    gallery: Gallery, subject: Probe, permitted: Scope, given: Given, change: dict[str, Any]
) -> None:
    with pytest.raises(NotPermitted, match="not issued by casework, or was altered"):
        search(gallery, subject.template, permitted, permit=replace(given(), **change))


@pytest.mark.parametrize("nothing", [None, True, "A-1", object()])
def test_what_is_no_permit_opens_nothing(
    gallery: Gallery, subject: Probe, permitted: Scope, nothing: Any
) -> None:
    with pytest.raises(NotPermitted, match="there is no permit"):
        search(gallery, subject.template, permitted, permit=nothing)
    with pytest.raises(TypeError, match="permit"):
        search(gallery, subject.template, permitted)  # type: ignore[call-arg]


def test_a_permit_expires(
    gallery: Gallery, subject: Probe, permitted: Scope, given: Given,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(issuing, "LIFETIME_SECONDS", -1.0)
    with pytest.raises(NotPermitted, match="expired"):
        search(gallery, subject.template, permitted, permit=given())


def test_a_copy_of_a_spent_permit_is_spent(
    gallery: Gallery, subject: Probe, permitted: Scope, given: Given
) -> None:
    permit = given()
    copy = pickle.loads(pickle.dumps(permit))
    search(gallery, subject.template, permitted, permit=permit)
    with pytest.raises(NotPermitted, match="has been used"):
        search(gallery, subject.template, permitted, permit=copy)


def test_authority_alone_issues_permits_and_investigation_alone_searches() -> None:
    """Who calls what, in the whole package."""
    root = Path(workbench.__file__).parent
    issuers, searchers = set(), set()
    for path in root.rglob("*.py"):
        name = path.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                imported = {alias.name for alias in node.names}
                if node.module == "workbench.permit.issuing" or (
                    node.module == "workbench.permit" and "issuing" in imported
                ):
                    issuers.add(name)
                if node.module == "workbench.gallery" and "search" in imported:
                    searchers.add(name)
                if node.module == "workbench.gallery.search" and "search" in imported:
                    searchers.add(name)
    assert issuers == {"casework/authority.py"}
    assert searchers == {"investigation.py"}
