"""Notes and markers: on record, withdrawn on record, and kept from people who decide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from office import START
from searching import search

from workbench.casework.cases import Case
from workbench.casework.evidence.export import export
from workbench.casework.notes import (
    DELETED,
    MISSING,
    THE_CASE,
    about_camera,
    about_candidate,
    about_recording,
    find_matter,
    notes,
    withdraw_note,
    write_note,
)
from workbench.casework.retention import forget_subject
from workbench.casework.reviewing.review import decide, list_for_review, waiting
from workbench.domain import Candidate, Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery

HOSTILE = "He limps <img src=x onerror=alert(1)> & waits."


@pytest.fixture
def candidates(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> tuple[Candidate, ...]:
    return search(gallery, subject, permitted, case="A-1", threshold=0.6, top=3).candidates


def texts(office: Any, name: str) -> list[str]:
    return [note.text for note in notes(office.sit(name), "A-1").shown]


def test_notes_are_on_record_and_withdrawn_on_record(office: Any, candidates: Any) -> None:
    one, register = candidates[0], office.register
    written = [
        write_note(register, "A-1", THE_CASE, "Wears glasses since May."),
        write_note(register, "A-1", about_camera(one.camera), "Its lens is dirty."),
        write_note(register, "A-1", about_candidate(one), HOSTILE),
        write_note(register, "A-1", about_recording(one, 61.5), "Leaves the shop."),
    ]
    found = notes(office.fresh(), "A-1")
    assert found.shown == tuple(written)
    marker = found.shown[3]
    assert (marker.second, marker.title) == (61.5, f"marker in {one.recording} at 61.5 s")
    assert marker.moment is not None
    assert (marker.moment - one.shot_time).total_seconds() == 61.5 - one.shot_seconds
    assert found.about("candidate", one.tracklet_id) == (written[2],)
    withdraw_note(office.register, "A-1", written[2].number)
    found = notes(office.fresh(), "A-1")
    assert [(note.text, note.withdrawn) for note in found.shown][2] == (HOSTILE, "anna")
    assert found.about("candidate", one.tracklet_id) == ()
    with pytest.raises(CaseError, match="withdrawn already"):
        withdraw_note(office.register, "A-1", written[2].number)
    assert [e.what for e in office.events("note.")] == 4 * ["note.written"] + ["note.withdrawn"]
    # The record is never shortened, so it holds no text; the text is for its owner alone.
    assert "limps" not in (office.folder / "audit.log").read_text()
    kept = list(office.folder.glob("subjects/*/note-*.json"))
    assert len(kept) == 4
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}


def test_a_text_that_was_exchanged_is_noticed(office: Any, candidates: Any) -> None:
    write_note(office.register, "A-1", THE_CASE, "Wears glasses.")
    (path,) = office.folder.glob("subjects/*/note-*.json")
    path.write_text(path.read_text().replace("glasses", "a beard"))
    with pytest.raises(CaseError, match="is not the note that was written"):
        notes(office.register, "A-1")


def test_a_text_that_was_removed_by_hand_is_missing(office: Any, candidates: Any) -> None:
    write_note(office.register, "A-1", THE_CASE, "Wears glasses.")
    (path,) = office.folder.glob("subjects/*/note-*.json")
    path.unlink()
    assert texts(office, "anna") == [MISSING]
    office.register.close("A-1", reason="found")
    assert texts(office, "anna") == [MISSING]


def test_texts_are_deleted_with_the_data_of_the_case(office: Any, candidates: Any) -> None:
    write_note(office.register, "A-1", about_candidate(candidates[0]), HOSTILE)
    office.register.close("A-1", reason="found")
    forget_subject(office.sit("sara"), "A-1", reason="over")
    assert texts(office, "anna") == [DELETED]
    assert not list(office.folder.glob("subjects/*/note-*"))


def test_who_may_come_to_decide_sees_no_notes_of_others(
    office: Any, candidates: Any, gallery: Gallery
) -> None:
    first, second, _ = candidates
    write_note(office.register, "A-1", about_candidate(first), "It is her.")
    write_note(office.register, "A-1", about_candidate(second), "It is not.")
    write_note(office.register, "A-1", THE_CASE, "Seen at the bridge.")
    hidden = notes(office.sit("rosa"), "A-1")
    assert (hidden.shown, hidden.withheld) == ((), 3)  # also before anything is listed
    write_note(office.register, "A-1", about_camera(first.camera), "Dark after eight.")
    assert texts(office, "rosa") == ["Dark after eight."]
    assert len(texts(office, "anna")) == 4
    list_for_review(office.sit("anna"), "A-1", candidates[:1], of=candidates, fillers=0)
    for name in ("rosa", "rolf"):
        (item,) = waiting(office.sit(name), "A-1", gallery)
        seen: Any = dict.fromkeys(("nose", "ears", "mouth"), "similar")
        decide(office.register, "A-1", item.key, conclusion=3, features=seen, reason="Nose.")
    # What is noted of the sighting, when no face waits; the rest when the case is closed.
    assert texts(office, "rosa") == ["It is her.", "Dark after eight."]
    office.sit("sara").close("A-1", reason="found")
    assert len(texts(office, "rosa")) == 4


def test_only_members_write_and_only_about_what_the_case_covers(
    office: Any, candidates: Any, gallery: Gallery
) -> None:
    one = candidates[0]
    far = next(camera for camera in gallery.cameras() if camera.camera_id == "C4")
    for matter in (
        about_camera(far),
        about_candidate(replace(one, camera=far)),
        about_recording(one, -9000.0),
    ):
        with pytest.raises(CaseError, match="does not cover"):
            write_note(office.register, "A-1", matter, "Here.")
    for text, said in (("  ", "is empty"), ("x" * 501, "501 characters"), ("a\nb", "invisible")):
        with pytest.raises(CaseError, match=said):
            write_note(office.register, "A-1", THE_CASE, text)
    note = write_note(office.register, "A-1", THE_CASE, "Mine.")
    office.sit("sara")  # she sees all cases, and is a member of none
    with pytest.raises(NotPermitted, match="not a member"):
        write_note(office.register, "A-1", THE_CASE, "Here.")
    office.sit("cleo")
    for act in (
        lambda: notes(office.register, "A-1"),
        lambda: write_note(office.register, "A-1", THE_CASE, "Here."),
    ):
        with pytest.raises(CaseError, match="not one of its members"):
            act()
    office.sit("ben")
    with pytest.raises(NotPermitted, match="not one of ben's"):
        withdraw_note(office.register, "A-1", note.number)
    office.sit("anna").close("A-1", reason="found")
    with pytest.raises(CaseError, match="closed"):
        write_note(office.register, "A-1", THE_CASE, "Late.")
    assert len(office.events("note.written")) == 1
    assert len(office.events("note.write.refused")) == 5


def test_things_are_found_by_their_names(case: Case, gallery: Gallery, candidates: Any) -> None:
    one = candidates[0]
    assert find_matter(gallery) == THE_CASE
    assert find_matter(gallery, camera="C1").name == "Camera 1 (C1)"
    assert find_matter(gallery, candidate=one.tracklet_id) == about_candidate(one)
    marker = find_matter(gallery, recording="0.mp4", second=30.0)
    assert marker.moment is not None
    assert (marker.moment - START).total_seconds() == 30.0
    for unknown in ({"camera": "C9"}, {"recording": "9.mp4"}, {"candidate": "x-1"}):
        with pytest.raises(CaseError, match="holds no such"):
            find_matter(gallery, **unknown)
    with pytest.raises(CaseError, match="not within the recording"):
        find_matter(gallery, recording="0.mp4", second=601.0)


def test_the_report_holds_them_once_no_face_waits(
    office: Any, candidates: Any, gallery: Gallery, tmp_path: Path
) -> None:
    import zipfile

    from workbench.casework.reviewing.triage import record_clip
    from workbench.faces.clips import Clip

    one = candidates[0]
    note = write_note(office.register, "A-1", about_candidate(one), HOSTILE)
    write_note(office.register, "A-1", about_recording(one, 2.0), "Enters.")
    withdraw_note(office.register, "A-1", note.number)
    record_clip(office.register, "A-1", one, Clip(b"film", 0.0, 60.0))

    def report(name: str) -> str:
        export(office.sit("anna"), "A-1", gallery, tmp_path / name)
        with zipfile.ZipFile(tmp_path / name) as archive:
            return archive.read("report.html").decode() + archive.read("record.jsonl").decode()

    told = report("a.zip")
    assert "He limps &lt;img src=x" in told
    assert "withdrawn by anna" in told
    assert "Enters." in told
    assert "Shown: 1 min of 40 min (2.5%)" in told
    assert "Not shown: 97.5%" in told
    list_for_review(office.register, "A-1", candidates[:1], of=candidates, fillers=0)
    hidden = report("b.zip")
    for text in ("limps", "Enters.", "note.written", "clip.viewed", "Shown: 1 min"):
        assert text not in hidden
