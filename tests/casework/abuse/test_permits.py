"""Calling the functions behind the search, and forging what they ask for."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from searching import search

from workbench.casework.cases import Case, Request
from workbench.casework.record.identity import SERVED
from workbench.domain import Probe, Scope
from workbench.errors import NotPermitted
from workbench.gallery import Gallery
from workbench.gallery.search import search as inner_search
from workbench.installation import Installation
from workbench.permit import Permit
from workbench.permit.issuing import issue

Ask = Callable[..., Request]
Refused = Callable[..., None]


def test_the_gallery_s_own_search(gallery: Gallery, subject: Probe, permitted: Scope) -> None:
    with pytest.raises(TypeError, match="permit"):
        inner_search(gallery, subject.template, permitted)  # type: ignore[call-arg]
    for nothing in (None, "A-1", object()):
        with pytest.raises(NotPermitted, match="there is no permit"):
            inner_search(gallery, subject.template, permitted, permit=nothing)  # type: ignore[arg-type]


def test_a_permit_made_by_hand(gallery: Gallery, subject: Probe, permitted: Scope) -> None:
    forged = Permit("A-1", "anna", 1, b"0" * 32, 1e12, b"0" * 32)
    with pytest.raises(NotPermitted, match="not issued by casework"):
        inner_search(gallery, subject.template, permitted, permit=forged)


def given(gallery: Gallery, subject: Probe, scope: Scope) -> Permit:
    return issue("A-1", "anna", 1, gallery=gallery.path, template=subject.template, scope=scope)


def test_a_permit_used_twice(gallery: Gallery, subject: Probe, permitted: Scope) -> None:
    permit = given(gallery, subject, permitted)
    inner_search(gallery, subject.template, permitted, permit=permit)
    with pytest.raises(NotPermitted, match="has been used"):
        inner_search(gallery, subject.template, permitted, permit=permit)


def test_a_permit_for_another_face_or_scope(
    gallery: Gallery, subject: Probe, stranger: Probe, permitted: Scope
) -> None:
    wider = replace(permitted, end=permitted.end + timedelta(days=1))
    more = replace(permitted, unplaced=frozenset({"BUS-9"}))
    for template, scope in (
        (stranger.template, permitted), (subject.template, wider), (subject.template, more),
    ):  # fmt: skip
        with pytest.raises(NotPermitted, match="for another question"):
            inner_search(gallery, template, scope, permit=given(gallery, subject, permitted))


def test_a_permit_from_another_process(
    gallery: Gallery, subject: Probe, permitted: Scope, tmp_path: Path
) -> None:
    path = tmp_path / "permit"
    path.write_bytes(pickle.dumps((given(gallery, subject, permitted), gallery.path,
                                   subject.template, permitted)))  # fmt: skip
    code = (
        "import pickle, sys; from workbench.permit import spend\n"
        "permit, gallery, template, scope = pickle.load(open(sys.argv[1], 'rb'))\n"
        "spend(permit, gallery=gallery, template=template, scope=scope)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert "not issued by casework, or was altered" in done.stderr


def test_a_casework_folder_of_ones_own(
    office: Any, case: Case, town_file: Path, subject: Probe, permitted: Scope,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, copied: Any,
) -> None:  # fmt: skip
    """An office of one's own, in which one is everything, opens no gallery of the real one."""
    real = copied(town_file, office.home)
    mine = tmp_path / "mine"
    mine.mkdir()
    monkeypatch.setenv("SIGHTLINE_HOME", str(mine))
    monkeypatch.delenv(SERVED)  # a shell
    Installation.open().register.train("T-1", permitted)
    why = "belongs to another installation"
    with Gallery.open(real) as gallery, pytest.raises(NotPermitted, match=why):
        search(gallery, subject, permitted, case="T-1")
