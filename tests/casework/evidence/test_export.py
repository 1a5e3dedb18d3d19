"""An archive says all that was done, and shows any change of it on another machine."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from csv import DictReader
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image
from searching import search
from small_disks import full_beyond

from workbench.calibration import Calibration, Normaliser, write_calibration
from workbench.casework.cases import Case
from workbench.casework.changes import ask_change
from workbench.casework.evidence.archive import (
    MANIFEST,
    PUBLIC_KEY,
    SIGNATURE,
    UNFINISHED,
    _pack,
    verify_archive,
    write_archive,
)
from workbench.casework.evidence.contents import Section, _method
from workbench.casework.evidence.docx import BOLDER, CELL_PADDING, CELL_SIZE, TWIPS
from workbench.casework.evidence.export import Export, _default_threshold, export, is_recorded
from workbench.casework.evidence.films import OnPicture
from workbench.casework.evidence.report import Sheets, _pdf_section
from workbench.casework.oversight import audit_overview
from workbench.casework.record.audit import verify
from workbench.casework.record.signing import signing_key
from workbench.casework.reviewing.review import decide, list_for_review, waiting
from workbench.casework.searches import searches_under
from workbench.casework.training import TRAINING_NOTICE
from workbench.domain import Candidate, ClockCorrection, Probe, Profile, Scope, Threshold
from workbench.errors import EvidenceError, NotPermitted, SettingsError
from workbench.faces.clips import Cut
from workbench.gallery import Gallery
from workbench.installation import Installation

SEEN = {"nose": "similar", "ears": "similar", "mouth": "different"}
DAY = timedelta(days=1)
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def decided(office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope) -> None:
    """Four candidates: two sightings, one that is none, one that waits."""
    found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=4)
    list_for_review(office.register, "A-1", found.candidates)
    keys = [item.key for item in waiting(office.sit("ben"), "A-1", gallery)]
    for name in ("ben", "rosa"):
        office.sit(name)
        for key, conclusion in zip(keys[:3], (3, 2, -3), strict=True):
            decide(office.register, "A-1", key, conclusion=conclusion, features=SEEN,
                   reason=f"Seen {HOSTILE}")  # fmt: skip
    for recording in (found.candidates[0].recording_id, "another"):
        office.sit("anna").record("clock.viewed", {"recording": recording})


@pytest.fixture
def closed(office: Any, decided: None) -> None:
    """The case is closed, so that nobody decides any more on the face that waited."""
    office.sit("anna").close("A-1", reason="done")


@pytest.fixture
def archive(office: Any, closed: None, gallery: Gallery, tmp_path: Path) -> Export:
    return export(office.register, "A-1", gallery, tmp_path / "A-1.zip")


def content(archive: Export) -> dict[str, bytes]:
    with zipfile.ZipFile(archive.path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def rows_of(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(DictReader(StringIO(files[name].decode("utf-8-sig"))))


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with path.open("wb") as file:
        _pack(file, files)
    return path


def test_an_archive_is_what_was_signed(archive: Export) -> None:
    found = verify_archive(archive.path, key=archive.fingerprint)
    assert found.sound, found.faults
    assert (found.case, found.made_by, found.head) == ("A-1", "anna", archive.head)
    assert found.fingerprint == archive.fingerprint
    assert found.manifest == archive.manifest
    assert archive.path.stat().st_mode & 0o077 == 0


def test_an_export_holds_all_that_was_done(archive: Export, office: Any) -> None:
    files = content(archive)
    html = files["report.html"].decode()
    for told in ("Public prosecutor (P 117/26)", "Sightings among them: 2", "strong support for",
                 "waiting", "for the subject was not measured",
                 str(archive.head),
                 "the best 4; how many more reached the threshold is not known",
                 "lead, never an", "not available: could not be checked again"):  # fmt: skip
        assert told in html, told
    assert TRAINING_NOTICE not in html
    assert files["report.pdf"].startswith(b"%PDF-")
    assert b"<html" in files["map.html"].lower()
    assert len([name for name in files if name.startswith("shots/")]) == 4
    assert len([name for name in files if name.startswith("subject/")]) == 2
    kinds = [json.loads(line)["what"] for line in files["record.jsonl"].splitlines()]
    assert kinds[:2] == ["case.asked", "case.approved"]
    assert kinds.count("review.decided") == 6
    assert kinds.count("clock.viewed") == 1
    rows = rows_of(files, "candidates.csv")
    outcomes = [row["outcome"] for row in rows]
    assert outcomes.count("sighting") == 4  # two sightings, two examiners each
    (waits,) = (row for row in rows if row["outcome"] == "waiting")
    assert (waits["examiner"], waits["conclusion"]) == ("", "")


def test_a_search_that_its_limit_ended_says_that_there_may_be_more(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    for top, told in ((2, "the best 2; how many more reached the threshold is not known"),
                      (9, "4"), (None, "4")):  # fmt: skip
        found = search(gallery, subject, permitted, case="A-1", threshold=0.6, top=top)
        assert dict(found.summary().properties)["candidates"] == told
        assert searches_under(office.folder, "A-1")[-1].candidates_words == told


def test_each_table_says_what_it_is_and_of_what_case(archive: Export, office: Any) -> None:
    files = content(archive)
    for name, title in (
        ("candidates.csv", "Candidates: leads, not identifications"),
        ("sources.csv", "Source recordings of the candidates"),
    ):
        for row in rows_of(files, name):
            assert row["title"] == title
            assert row["case"].startswith("A-1: ")
            assert row["scope"].startswith("Old Town, ")
            assert row["threshold"].startswith("0.6 (plain scores; chosen by hand)")
            assert row["made"].endswith(" by anna")
            assert row["clocks"].startswith("no clock was corrected")
    # Times are those of the district's clocks, which are named; also in the table of searches.
    searches = files["report.html"].decode().partition("<h2>Searches")[2].partition("<h2>")[0]
    assert re.search("Sun 29 Mar 2026, 0[0-9]:[0-9:]+ GMT to Sun 29 Mar 2026", searches)
    assert "UTC" not in searches
    # All is of one reading of the record: the head is the last entry that there was then.
    last = json.loads(files["record.jsonl"].splitlines()[-1])
    assert last["n"] <= archive.head.number
    assert office.events("evidence.exported")[-1].number > archive.head.number


def test_what_is_recorded_while_films_are_made_is_in_no_file_of_the_archive(
    office: Any, closed: None, gallery: Gallery, tmp_path: Path
) -> None:
    for n in range(4):
        (tmp_path / f"{n}.mp4").write_bytes(b"recording %d" % n)

    def clip(*_: Any) -> Cut:
        office.register.record("clock.viewed", {"case": "A-1", "recording": "meanwhile"})
        return Cut(b"film", b"still", b"")

    made = export(
        office.register, "A-1", gallery, tmp_path / "A-1.zip", footage=[tmp_path], clip=clip
    )
    assert office.events("clock.viewed")[-1].number > made.head.number
    assert b"meanwhile" not in content(made)["record.jsonl"]


def test_the_report_tells_each_authorisation_and_who_decided_when(
    office: Any, decided: None, gallery: Gallery, tmp_path: Path
) -> None:
    """Searches were made under what counted then, not under what the case is by now."""
    case = office.sit("anna").case("A-1")
    later = replace(case.request, start=case.request.start + timedelta(hours=1))
    changed = ask_change(office.register, replace(later, valid_until=later.valid_until + DAY))
    office.sit("sven").approve("A-1", digest=changed.change.digest)
    longer = replace(later, valid_until=later.valid_until + 9 * DAY)
    ask_change(office.sit("anna"), longer)
    office.sit("sara").decline("A-1", reason="long enough")
    office.sit("anna").close("A-1", reason="done")
    files = content(export(office.register, "A-1", gallery, tmp_path / "A-1.zip"))
    steps = json.loads(files["case.json"])["authorisations"]
    assert [(one["by"], one["what"], one["counts"]) for one in steps] == [
        ("anna", "requested the case", False),
        ("sara", "approved the case", True),
        ("anna", "requested a change of the case", False),
        ("sven", "approved the change", True),
        ("anna", "requested a change of the case", False),
        ("sara", "declined the change: long enough", False),
    ]
    first, second = steps[0], steps[2]
    assert first["request"]["start"] == case.request.start.isoformat()
    assert second["request"]["start"] == later.start.isoformat()
    assert (steps[1]["digest"], steps[3]["digest"]) == (first["digest"], second["digest"])
    html = files["report.html"].decode()
    section = html[html.index("Requests and approvals") : html.index("<h2>Result")]
    told = re.sub("<[^>]*>", "", section)
    assert "footage: Sun 29 Mar 2026, 02:00:00 BST to" in told
    assert ", instead of Sun 29 Mar 2026, 00:00:00 GMT to" in told
    assert section.count("it counts from then on") == 2
    with zipfile.ZipFile(BytesIO(files["report.docx"])) as docx:
        listed = docx.read("word/document.xml").decode().count("\N{BULLET}</w:t>")
    assert section.count("<li>") == listed > 10  # a line each
    assert "Photograph 1" in html  # and where it comes from
    assert "given by" in html
    # What was found at 00:00 was inside then; no clock was corrected.
    assert {row["outside_authorised_time"] for row in rows_of(files, "candidates.csv")} == {"False"}


def test_no_heading_of_a_table_is_broken_in_the_document_that_is_edited(archive: Export) -> None:
    """Whatever font a reader puts in for Calibri: few are wider than the one measured here."""
    with zipfile.ZipFile(BytesIO(content(archive)["report.docx"])) as docx:
        tables = re.findall("<w:tbl>.*?</w:tbl>", docx.read("word/document.xml").decode())
    sheet = Sheets("")
    sheet.set_font_size(CELL_SIZE)
    heads = [table.partition("</w:tr>")[0] for table in tables if "<w:tblHeader/>" in table]
    assert len(heads) == 4
    for head in heads:
        for wide, text in re.findall('<w:tcW w:w="([0-9]+)".*?<w:t [^>]*>(.*?)</w:t>', head):
            longest = max([0.0, *map(sheet.get_string_width, text.split())])
            assert longest * BOLDER + CELL_PADDING <= int(wide) / TWIPS + 0.1, text


def test_a_row_that_is_higher_than_a_page_goes_on_on_the_next() -> None:
    facts = "\n".join(f"fact {n}: {'words ' * 30}" for n in range(60))
    sheets = Sheets("A-1")
    sheets.add_page()
    section = Section("Requests", table=(("Who", "Contents"), ("anna", facts)), widths=(1, 5))
    _pdf_section(sheets, section, sheets.write_fitting)
    assert sheets.page_no() == 3


def test_the_report_of_an_urgent_case_says_who_confirmed_it_and_by_what(
    office: Any, begun: Case, gallery: Gallery, tmp_path: Path
) -> None:
    office.sit("sven").confirm("A-1", digest=begun.digest, authorisation="P 9/26")
    files = content(export(office.sit("anna"), "A-1", gallery, tmp_path / "A-1.zip"))
    document = json.loads(files["case.json"])
    assert (document["confirmed_by"], document["authorised_as"]) == ("sven", "P 9/26")
    assert [(one["by"], one["what"]) for one in document["authorisations"]] == [
        ("anna", "requested the case"),
        ("sara", "let the urgent case begin"),
        ("sven", "confirmed the urgent case, authorised as P 9/26"),
    ]
    assert b"confirmed the urgent case, authorised as P 9/26" in files["report.html"]


def test_what_is_too_large_for_a_browser_is_refused_before_it_is_on_record(
    office: Any, closed: None, gallery: Gallery, tmp_path: Path
) -> None:
    for n in range(4):
        (tmp_path / f"{n}.mp4").write_bytes(b"recording %d" % n)
    made = []

    def clip(*_: Any) -> Cut:
        made.append(1)
        return Cut(2_000_000 * b"f", b"still", b"")

    output = tmp_path / "A-1.zip"
    with pytest.raises(EvidenceError, match="larger than the 1 MB") as told:
        export(office.register, "A-1", gallery, output, footage=[tmp_path], clip=clip,
               largest=1_000_000)  # fmt: skip
    assert "sightline evidence export A-1 --output" in told.value.fix
    assert (len(made), output.exists()) == (1, False)  # of two films
    with pytest.raises(EvidenceError, match="larger than the 0 MB"):
        export(office.register, "A-1", gallery, output, largest=1000)
    assert not office.events("evidence.exported")
    export(office.register, "A-1", gallery, output, largest=10_000_000)


def test_a_correction_that_moved_a_sighting_out_of_the_case_is_told(
    office: Any, closed: None, town_file: Path, tmp_path: Path
) -> None:
    shutil.copytree(town_file.parent, tmp_path / "copy")
    day = ClockCorrection(86400.0, "sara", "speaking clock", datetime.now(UTC))
    with Gallery.open(tmp_path / "copy" / town_file.name, write=True) as gallery:
        (first,) = (r.recording_id for r in gallery.recordings().itertuples() if r.file == "0.mp4")
        gallery.correct_clock(day, recordings=[first])
        files = content(export(office.register, "A-1", gallery, tmp_path / "A-1.zip"))
    html = files["report.html"].decode()
    rows = rows_of(files, "candidates.csv")
    moved = {row["number"]: row["tracklet_id"].startswith(first) for row in rows}
    assert {row["number"]: row["outside_authorised_time"] == "True" for row in rows} == moved
    assert 0 < sum(moved.values()) < 4
    assert html.count("OUTSIDE the authorised time") == sum(moved.values())
    assert "seen outside the authorised time, by a correction" in html


def test_a_report_says_that_a_profile_has_no_calibration(office: Any, gallery: Gallery) -> None:
    profile = replace(gallery.profile, recogniser="onnx-111111111111")
    threshold = _default_threshold(office.register, SimpleNamespace(profile=profile), photographs=2)
    assert threshold is None
    dossier = SimpleNamespace(profile=profile, threshold=threshold, in_service=True, fillers=0)
    assert "no recommended threshold" in _method(dossier).paragraphs[-1]


def test_a_report_marks_scores_where_scales_are_mixed(
    office: Any,
    decided: None,
    gallery: Gallery,
    subject: Probe,
    permitted: Scope,
    calibrated: Callable[[Profile], Calibration],
    tmp_path: Path,
) -> None:
    before = content(export(office.register, "A-1", gallery, tmp_path / "before.zip"))
    assert "(plain)" not in before["report.html"].decode()
    normaliser = Normaliser(
        metric=gallery.profile.metric,
        centroids=np.eye(gallery.profile.dimension, dtype=np.float32)[:9] * 2,
        mean=1.3, deviation=0.4, people_each=5, people=45, source="numbers", licence="none",
    )  # fmt: skip
    made = replace(calibrated(gallery.profile), normaliser=normaliser)
    write_calibration(made, office.home / "calibrations" / f"{gallery.profile.name}.json")
    least = Threshold(-7.5, "by hand", made.scale)
    search(gallery, subject, permitted, case="A-1", threshold=least)
    after = content(export(office.register, "A-1", gallery, tmp_path / "A-1.zip"))
    shown = re.findall(r">(-?[\d.]+) \((plain|normalised)\)<", after["report.html"].decode())
    assert shown[:2] == [("0.6", "plain"), ("-7.5", "normalised")]
    assert [scale for _, scale in shown[2:]] == ["plain"] * 3  # none is told before a decision
    assert [s.scale for s in audit_overview(office.sit("otto")).searches] == [made.scale, "plain"]


def test_what_an_archive_leaves_out_is_said_in_each_of_its_files(
    office: Any, decided: None, gallery: Gallery, tmp_path: Path
) -> None:
    files = content(export(office.register, "A-1", gallery, tmp_path / "A-1.zip"))
    told = "not finished: 1 face waits for decisions and is left out"
    assert {row["review"] for row in rows_of(files, "candidates.csv")} == {told}
    assert told in files["map.html"].decode()


def test_an_archive_without_sightings_does_not_say_that_there_are_no_candidates(
    office: Any, case: Case, gallery: Gallery, tmp_path: Path
) -> None:
    files = content(export(office.register, "A-1", gallery, tmp_path / "A-1.zip"))
    page, report = files["map.html"].decode(), files["report.html"].decode()
    for told in ("No sightings", "camera without a sighting", "Confirmed sightings"):
        assert told in page, told
    assert "no clock was corrected" not in page  # whichever was: nothing is shown that has a time
    assert "None: this report shows no candidate." in report
    assert "This archive holds no clips." in report


def test_what_people_wrote_stays_text(archive: Export) -> None:
    html = content(archive)["report.html"].decode()
    assert HOSTILE not in html
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "default-src 'none'" in html


def test_every_change_is_found_and_named(archive: Export, tmp_path: Path) -> None:
    files = content(archive)
    for name in files:
        data = files[name]
        changed = packed(tmp_path / "x.zip", files | {name: data[:-1] + bytes([data[-1] ^ 1])})
        found = verify_archive(changed, key=archive.fingerprint)
        assert not found.sound, name
        if name not in (PUBLIC_KEY, MANIFEST, SIGNATURE):
            assert found.faults == (f"{name}: altered since it was signed",)


def test_what_is_missing_added_or_twice_there_is_found(archive: Export, tmp_path: Path) -> None:
    files = content(archive)
    less = {name: data for name, data in files.items() if name != "case.json"}
    assert verify_archive(packed(tmp_path / "a.zip", less)).faults == ("case.json: missing",)
    more = packed(tmp_path / "b.zip", files | {"note.txt": b"x"})
    assert verify_archive(more).faults == ("note.txt: added; not in the manifest",)
    twice = packed(tmp_path / "c.zip", files)
    with zipfile.ZipFile(twice, "a") as opened, pytest.warns(UserWarning, match="Duplicate"):
        opened.writestr("case.json", files["case.json"])
    assert "case.json: duplicate in the archive" in verify_archive(twice).faults
    out = packed(tmp_path / "d.zip", files | {"../../x": b"x"})
    assert "../../x: not a valid path in an archive" in verify_archive(out).faults


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE, PUBLIC_KEY])
def test_an_archive_without_manifest_signature_or_key_is_refused(
    archive: Export, tmp_path: Path, name: str
) -> None:
    files = content(archive)
    files.pop(name)
    with pytest.raises(EvidenceError, match=f"lacks {name}"):
        verify_archive(packed(tmp_path / "x.zip", files))


def test_another_s_signature_is_told_from_ours(archive: Export, tmp_path: Path) -> None:
    """Whoever changes a file and signs anew has another key."""
    from workbench.casework.evidence.archive import write_archive

    files = {
        n: d for n, d in content(archive).items() if n not in (MANIFEST, SIGNATURE, PUBLIC_KEY)
    }
    about = {"case": "A-1", "made_at": "2026-01-01T00:00:00+00:00", "made_by": "anna",
             "head": str(archive.head)}  # fmt: skip
    (tmp_path / "mine").mkdir()
    forged = tmp_path / "forged.zip"
    write_archive(forged, files, about, signing_key(tmp_path / "mine"))
    assert verify_archive(forged).sound
    (fault,) = verify_archive(forged, key=archive.fingerprint).faults
    assert fault.startswith("manifest.sig: made with key")


def test_an_export_is_on_record_with_its_manifest(archive: Export, office: Any) -> None:
    (entry,) = office.events("evidence.exported")
    assert entry.about["manifest"] == archive.manifest
    assert entry.number == archive.head.number + 1
    assert is_recorded(office.folder, archive.manifest)
    assert not is_recorded(office.folder, "0" * 64)
    assert verify(office.folder, pins=[archive.head]).sound


@pytest.mark.parametrize("recorded", [False, True])
def test_a_kill_leaves_no_archive_that_is_not_on_record(
    office: Any, decided: None, gallery: Gallery, tmp_path: Path, recorded: bool
) -> None:
    register, output = office.sit("anna"), tmp_path / "A-1.zip"

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:  # killed as it writes the entry, or between that and the archive's name
        try:
            office.patch.setattr(*((Path, "replace") if recorded else (register, "record")), die)
            export(register, "A-1", gallery, output)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert not output.exists()
    assert len(office.events("evidence.exported")) == recorded
    (left,) = tmp_path.glob(".A-1.zip.*")
    assert verify_archive(left).sound  # it was whole, and lacked its name alone
    assert is_recorded(office.folder, verify_archive(left).manifest) == recorded


@pytest.mark.parametrize("name", ["rosa", "otto", "ada", "nobody"])
def test_only_analysts_and_supervisors_export(
    office: Any, decided: None, gallery: Gallery, tmp_path: Path, name: str
) -> None:
    with pytest.raises(NotPermitted):
        export(office.sit(name), "A-1", gallery, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_nothing_is_written_over(archive: Export, office: Any, gallery: Gallery) -> None:
    with pytest.raises(EvidenceError, match="exists already"):
        export(office.register, "A-1", gallery, archive.path)
    with pytest.raises(EvidenceError, match="cannot be written"):
        export(office.register, "A-1", gallery, archive.path.parent / "none" / "x.zip")


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match="cannot be read as an archive"):
        verify_archive(path)


def test_a_key_that_others_may_read_is_refused(office: Any) -> None:
    signing_key(office.folder)
    path = office.folder / "keys" / "evidence.pem"
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="readable by others"):
        signing_key(office.folder)
    path.unlink()
    path.symlink_to("/dev/null")
    with pytest.raises(SettingsError, match="is a link"):
        signing_key(office.folder)


def test_the_demo_s_evidence_holds_on_another_machine(
    demo: Path, fresh_home: Path, tmp_path: Path, copied: Any
) -> None:
    """Real footage, models and pictures; sources checked; verified by a process without a home."""
    from workbench.demo import demo_town
    from workbench.demo.check import demo_threshold, training_case
    from workbench.district import from_file
    from workbench.faces.probes import make_probe

    town = demo_town()
    installation = Installation.open()
    register = installation.register
    reference = training_case(town, register)
    with Gallery.open(copied(demo, fresh_home)) as gallery:
        name = sorted(town.photographs)[0]
        probe = make_probe(
            list(town.photographs[name]), models=installation.load_models(gallery.profile)
        )
        scope = Scope(
            from_file(town.root / "districts" / "fennmouth.geojson"), town.start, town.end
        )
        threshold = demo_threshold(town, photographs=len(probe.photographs))
        found = search(gallery, probe, scope, case=reference, threshold=threshold)
        list_for_review(register, reference, found.candidates)
        made = export(register, reference, gallery, tmp_path / "demo.zip", footage=[town.root])
    assert made.changed_sources == ()
    files = content(made)
    # At the head of a table that holds all of it, which browsers repeat on each sheet of paper.
    html = files["report.html"].decode()
    assert html.count(TRAINING_NOTICE) == 1
    assert re.search(r"<body><table[^>]*><thead><tr><td><p[^>]*>" + TRAINING_NOTICE, html)
    lines = [json.loads(line) for line in files["record.jsonl"].splitlines()]
    assert {line["notice"] for line in lines} == {TRAINING_NOTICE}
    assert b"CHANGED" not in files["sources.csv"]
    assert files["sources.csv"].count(b"unchanged") >= 1
    shot = next(data for name, data in files.items() if name.startswith("shots/"))
    assert Image.open(BytesIO(shot)).width > 20
    copy = shutil.copy(made.path, tmp_path / "elsewhere.zip")
    code = (
        "import sys; from pathlib import Path\n"
        "from workbench.casework.evidence.archive import verify_archive\n"
        "print(verify_archive(Path(sys.argv[1]), key=sys.argv[2]).faults)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(copy), made.fingerprint],
        capture_output=True, text=True, cwd="/", check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "()"


def test_clips_of_sightings_go_in_where_the_recording_is_at_hand(
    office: Any, decided: None, gallery: Gallery, tmp_path: Path
) -> None:
    footage = tmp_path / "footage"
    footage.mkdir()
    asked, said = [], []

    def clip(
        of: Case, sighting: Candidate, path: Path, on_picture: OnPicture, sharp: bool,
        tags: Mapping[str, str], caption: Sequence[str],
    ) -> Cut:  # fmt: skip
        assert of.reference == "A-1"
        assert {path.name for path in tmp_path.iterdir()} == before  # films lie there without names
        said.append(tags)
        assert caption == [tags["title"]]  # nothing else must be said of it
        asked.append((sighting.recording, path))
        on_picture(np.zeros((90, 160, 3), np.uint8), sighting.first_seen)
        return Cut(b"cut from " + path.read_bytes(), b"still", b"sharp")

    for n in range(4):
        (footage / f"{n}.mp4").write_bytes(b"recording %d" % n)
    # Another folder has other films of these names.
    other = tmp_path / "other"
    other.mkdir()
    for n in range(4):
        (other / f"{n}.mp4").write_bytes(b"another")
    before = {path.name for path in tmp_path.iterdir()}
    with full_beyond(300), pytest.raises(EvidenceError, match="cannot be written"):
        export(office.register, "A-1", gallery, tmp_path / "x.zip", footage=[footage], clip=clip)
    assert {path.name for path in tmp_path.iterdir()} == before
    asked.clear()
    made = export(
        office.register, "A-1", gallery, tmp_path / "x.zip", footage=[other, footage], clip=clip
    )
    assert len(asked) == 2  # the sightings, not the other candidates
    assert all(path == footage / recording for recording, path in asked)
    files = content(made)
    names = [name for name in files if name.startswith("clips/")]
    assert len(names) == 2
    with av.open(BytesIO(files["compilation.mp4"])) as film:
        said.append(dict(film.metadata))
    for tags in said:  # a film that is handed on alone says what it is
        assert tags["title"].startswith("Case A-1")
        for told in ("Confirmed sightings", "A-1: ", "Old Town, Sun 29 Mar", "0.6 (plain scores"):
            assert told in tags["comment"], told
    assert not any(name.startswith("sharp/") for name in files), "there is no reason for them"
    assert all(name in files["report.html"].decode() for name in names)
    assert verify_archive(made.path).sound


def test_a_changed_source_is_told(
    office: Any, closed: None, gallery: Gallery, tmp_path: Path
) -> None:
    footage = tmp_path / "footage"
    footage.mkdir()
    for n in range(4):
        (footage / f"{n}.mp4").write_bytes(b"not what was indexed")
    made = export(office.register, "A-1", gallery, tmp_path / "x.zip", footage=[footage])
    assert sorted(made.changed_sources) == [f"{n}.mp4" for n in range(4)]
    assert b"CHANGED since indexing" in content(made)["report.html"]


def test_what_a_killed_export_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """But not what another one is writing, nor another's file behind a link."""
    key = Ed25519PrivateKey.generate()
    about = {"case": "A-1", "made_at": datetime.now(UTC).isoformat(), "made_by": "anna"}
    about |= {"head": f"1:{64 * '0'}"}
    names = [tmp_path / f".A-{n}.zip.{UNFINISHED}-{n}" for n in range(3)]
    left, writing, link = names
    left.write_bytes(b"faces")
    link.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_bytes(b"kept")
    # Killed before it held its file: nobody is known to be at work on it but by its age.
    begun, beginning = (tmp_path / f".A-{n}.zip.new-{8 * str(n)}" for n in (3, 4))
    for path in (begun, beginning):
        path.touch()
    os.utime(begun, (0, 0))
    with writing.open("xb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write_archive(tmp_path / "B.zip", {"a.txt": b"a"}, about, key)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [writing.name, link.name, beginning.name, "elsewhere", "B.zip"]
    )


def test_an_export_keeps_its_file_from_others_until_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Ed25519PrivateKey.generate()
    about = {"case": "A-1", "made_at": datetime.now(UTC).isoformat(), "made_by": "anna"}
    about |= {"head": f"1:{64 * '0'}"}
    swept: list[str] = []
    lock = fcntl.flock

    def first(file: Any, how: int) -> None:
        """What another export could sweep away is none of this one's before it is locked."""
        if how == fcntl.LOCK_EX:
            swept.extend(path.name for path in tmp_path.glob(f".*.{UNFINISHED}-*"))
        lock(file, how)

    def other(manifest: str) -> None:
        monkeypatch.undo()
        write_archive(tmp_path / "B.zip", {"b.txt": b"b"}, about, key)

    monkeypatch.setattr(fcntl, "flock", first)
    write_archive(tmp_path / "A.zip", {"a.txt": b"a"}, about, key, record=other)
    assert swept == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A.zip", "B.zip"]
    assert verify_archive(tmp_path / "A.zip").sound
    assert (tmp_path / "A.zip").stat().st_mode & 0o777 == 0o600
