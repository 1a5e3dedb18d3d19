"""Attempts to keep an urgent case, or what came of it, without a confirmation by another."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from office import probe_of, stated
from searching import search

from workbench.casework.cases import Case, Request
from workbench.casework.evidence.archive import MANIFEST
from workbench.casework.evidence.export import export
from workbench.casework.reviewing.triage import shots_of
from workbench.casework.subjects import describe_subject, subject_folder
from workbench.domain import Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery
from workbench.widgets.components.media import Media
from workbench.widgets.investigate.model import Investigation


@pytest.mark.parametrize("name", ["anna", "sara", "both"])
def test_who_requested_let_begin_or_searched_does_not_confirm(
    office: Any, begun: Case, name: str, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    reason = {
        "anna": "anna requested the case and may not confirm it",
        "sara": "sara let the case begin",
        "both": "has searched under the case",
    }[name]
    if name != "sara":
        office.sit("ada").grant("ben", "supervisor")
        office.sit("ada").grant("anna", "supervisor")
    if name == "both":
        office.sit("ben")
        search(gallery, subject, permitted, case="A-1", threshold=0.6, top=2)
        name = "ben"
    register = office.sit(name)
    with pytest.raises(NotPermitted, match=reason):
        register.confirm("A-1", digest=begun.digest, authorisation="P 9/26")
    (refusal,) = office.events("case.confirm.refused")
    assert reason in refusal.about["reasons"][0]
    assert register.find_case("A-1").confirm_by is not None


def test_a_confirmation_one_second_late_finds_the_case_over(
    office: Any, clock: Any, begun: Case
) -> None:
    clock.forward(hours=48, seconds=1)
    with pytest.raises(CaseError, match="not confirmed within 48 hours"):
        office.sit("sven").confirm("A-1", digest=begun.digest, authorisation="P 9/26")
    # Nor does an entry count that was made late by whatever way.
    register = office.register
    about = {"case": "A-1", "request": begun.digest, "authorisation": "P 9/26"}
    register.record("case.confirmed", about)
    ended = register.case("A-1", ended=True)
    assert (ended.status(), ended.confirmed_by) == ("not confirmed", "")
    assert ended.ended_at == begun.confirm_by
    # A clock that is set back brings nothing back: the record knows better.
    clock.ahead = timedelta()
    with pytest.raises(CaseError, match="not confirmed within 48 hours"):
        office.sit("anna").case("A-1")


def test_closing_it_spares_nobody_the_confirmation(office: Any, clock: Any, begun: Case) -> None:
    office.sit("anna").close("A-1", reason="found")
    clock.forward(hours=1)
    assert office.register.case("A-1").confirm_by == begun.confirm_by
    clock.forward(hours=47)
    assert office.sit("anna").case("A-1", ended=True).status() == "not confirmed"
    assert not subject_folder(office.folder, "A-1").exists()


def test_an_export_damaged_so_that_nothing_is_deleted(
    office: Any, clock: Any, begun: Case, gallery: Gallery
) -> None:
    names = ("damaged", "exchanged", "gone", "whole")
    paths = {name: office.home / f"{name}.zip" for name in names}
    for path in paths.values():
        export(office.register, "A-1", gallery, path)
    with zipfile.ZipFile(paths["damaged"], "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, b"0" * 100)
    content = bytearray(paths["damaged"].read_bytes())
    content[30 + len(MANIFEST)] = 0xFF  # the first block of the compressed manifest: of no kind
    paths["damaged"].write_bytes(content)
    with zipfile.ZipFile(paths["exchanged"], "w") as archive:
        archive.writestr(MANIFEST, b"of another")
    paths["gone"].unlink()
    clock.forward(hours=48)
    (case,) = office.sit("sven").cases()
    assert case.status() == "not confirmed"
    assert not subject_folder(office.folder, "A-1").exists()
    assert not paths["whole"].exists()
    (done,) = office.events("case.erased")
    assert done.about["exports"] == [str(paths["whole"])]
    left = dict(
        zip(("damaged", "exchanged", "gone"), done.about["exports not deleted"], strict=True)
    )
    assert left["damaged"].startswith(f"{paths['damaged']}: cannot be read (")
    assert left["exchanged"] == f"{paths['exchanged']}: changed since"
    assert left["gone"] == f"{paths['gone']}: not there"


def test_an_urgent_case_begun_again_and_again(
    office: Any,
    clock: Any,
    begun: Case,
    ask: Callable[..., Request],
    subject: Probe,
    stranger: Probe,
    tmp_path: Path,
) -> None:
    other = describe_subject(stranger, calibrations=tmp_path / "none", provenance=stated())
    urgent = {"urgent": "At night", "authorisation": ""}
    office.sit("ben").ask(ask("A-2", **urgent), subject=subject)
    with pytest.raises(NotPermitted, match="A-1 begin, an urgent case of the same person that is"):
        office.approve("sara", "A-2")
    clock.forward(hours=48)
    with pytest.raises(NotPermitted, match="of the same person that was not confirmed"):
        office.approve("sara", "A-2")
    office.sit("anna").ask(ask("A-3", subject=other, **urgent), subject=stranger)
    with pytest.raises(NotPermitted, match="of the same requester that was not confirmed"):
        office.approve("sara", "A-3")
    assert len(office.events("case.approve.refused")) == 3
    assert office.approve("sven", "A-2").confirm_by is not None
    # Neither stands in the way of another two people, nor of the same ones a month later.
    office.sit("ben").ask(ask("A-4", subject=other, **urgent), subject=stranger)
    assert office.approve("sara", "A-4").confirm_by is not None
    clock.forward(days=31)
    later = ask("A-5", subject=describe_subject(probe_of(2), calibrations=tmp_path / "none",
                provenance=stated()), **urgent)  # fmt: skip
    office.sit("anna").ask(later, subject=probe_of(2))
    assert office.approve("sara", "A-5").confirm_by is not None


def test_a_page_that_was_open_when_the_case_ended(
    office: Any, clock: Any, begun: Case, town_file: Path, gallery: Gallery, subject: Probe,
    permitted: Scope,
) -> None:  # fmt: skip
    page = Investigation(town_file, installation=office.installation)
    page.threshold = -1.0
    page.result = result = search(gallery, subject, permitted, case="A-1")
    chosen = page.shown[:2]
    name = Media.of_kernel().keep(chosen[0].shot_jpeg, "image/jpeg")
    assert page.view(chosen) == chosen
    page.selected = chosen[0].tracklet_id
    clock.forward(hours=48)
    assert page.view(chosen) == ()
    assert page.result is None
    assert (page.shown, page.selected) == ((), "")
    assert "urgent and is over" in page.messages["search"]
    assert name not in Media.of_kernel()._kept
    with pytest.raises(CaseError, match="urgent and is over"):
        result._pictures(chosen)
    with pytest.raises(CaseError, match="urgent and is over"):
        shots_of(office.register, "A-1", chosen[0], gallery)
