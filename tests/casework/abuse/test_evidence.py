"""Changing or replaying what was exported as evidence."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polyglots
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polyglots import POLYGLOTS, entry

from workbench.casework.cases import Case, Request
from workbench.casework.evidence.archive import (
    MANIFEST,
    PUBLIC_KEY,
    SIGNATURE,
    _pack,
    verify_archive,
)
from workbench.casework.evidence.archive import write_archive as written
from workbench.casework.evidence.export import export, is_recorded
from workbench.casework.record.chain import canonical
from workbench.casework.record.signing import signing_key
from workbench.casework.register import CaseRegister
from workbench.cli.main import main
from workbench.domain import Probe
from workbench.errors import CaseError, EvidenceError, GalleryError, NotPermitted
from workbench.gallery import Gallery
from workbench.gallery.exporting import export as write_parquet
from workbench.gallery.importing import import_into

Ask = Callable[..., Request]


@pytest.fixture
def archive(office: Any, case: Case, gallery: Gallery, tmp_path: Path) -> Any:
    return export(office.register, "A-1", gallery, tmp_path / "A-1.zip")


def changed(archive: Any, **files: bytes) -> Path:
    with zipfile.ZipFile(archive.path) as opened:
        content = {name: opened.read(name) for name in opened.namelist()}
    path: Path = archive.path.with_name("changed.zip")
    with path.open("wb") as file:
        _pack(file, content | files)
    return path


def test_sharp_clips_for_who_is_no_member(
    office: Any, case: Case, gallery: Gallery, tmp_path: Path
) -> None:
    with pytest.raises(NotPermitted, match="sara is not a member"):
        export(office.sit("sara"), "A-1", gallery, tmp_path / "x.zip", sharp="The court asked.")
    assert office.events("shot.view.refused")
    with pytest.raises(CaseError, match="the reason is missing"):
        export(office.sit("anna"), "A-1", gallery, tmp_path / "x.zip", sharp=" ")
    assert not office.events("evidence.exported")
    export(office.register, "A-1", gallery, tmp_path / "x.zip", sharp="The court asked.")
    assert office.events("evidence.exported")[0].about["sharp"] == "The court asked."


def test_a_changed_report(archive: Any) -> None:
    (fault,) = verify_archive(changed(archive, **{"report.html": b"innocent"})).faults
    assert fault == "report.html: altered since it was signed"


def test_a_changed_manifest(archive: Any) -> None:
    with zipfile.ZipFile(archive.path) as opened:
        told = json.loads(opened.read(MANIFEST))
    told["files"]["report.html"]["sha256"] = hashlib.sha256(b"innocent").hexdigest()
    forged = {"report.html": b"innocent", MANIFEST: json.dumps(told).encode()}
    assert (
        f"{SIGNATURE}: does not match the manifest"
        in verify_archive(changed(archive, **forged)).faults
    )


def test_an_archive_signed_by_another(archive: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    about = {"case": "A-1", "made_at": "2026-01-01T00:00:00Z", "made_by": "anna",
             "head": str(archive.head)}  # fmt: skip
    written(tmp_path / "x.zip", {"report.html": b"x"}, about, signing_key(tmp_path / "mine"))
    found = verify_archive(tmp_path / "x.zip", key=archive.fingerprint)
    assert "made with key" in found.faults[0]


def test_a_key_that_is_swapped(archive: Any, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    from cryptography.hazmat.primitives import serialization

    pem = (
        signing_key(tmp_path / "mine")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    assert not verify_archive(changed(archive, **{PUBLIC_KEY: pem})).sound


def test_a_replayed_export(
    archive: Any, office: Any, ask: Ask, gallery: Gallery, subject: Probe, tmp_path: Path
) -> None:
    """An old archive says its case, its time and its head; another office has no record of it."""
    old = verify_archive(archive.path)
    export(office.sit("anna"), "A-1", gallery, tmp_path / "new.zip")
    new = verify_archive(tmp_path / "new.zip")
    assert old.head.number < new.head.number
    assert old.made_at < new.made_at
    assert is_recorded(office.folder, old.manifest)
    other = CaseRegister(tmp_path / "elsewhere", office.installation.settings)
    assert not is_recorded(other.folder, old.manifest)


def test_a_file_put_beside(archive: Any) -> None:
    found = verify_archive(changed(archive, **{"shots/more.jpg": b"x", "../x": b"x"}))
    assert len(found.faults) == 3


def test_a_recording_changed_since_indexing(
    office: Any, keys: list[str], gallery: Gallery, tmp_path: Path
) -> None:
    (tmp_path / "footage").mkdir()
    for n in range(4):
        (tmp_path / "footage" / f"{n}.mp4").write_bytes(b"cut differently")
    office.sit("anna").close("A-1", reason="found")  # then faces that waited are told, too
    made = export(
        office.sit("anna"), "A-1", gallery, tmp_path / "x.zip", footage=[tmp_path / "footage"]
    )
    assert made.changed_sources


def test_an_export_by_somebody_without_the_role(
    office: Any, case: Case, gallery: Gallery, tmp_path: Path
) -> None:
    for name in ("rosa", "otto", "ada", "nobody"):
        with pytest.raises(NotPermitted):
            export(office.sit(name), "A-1", gallery, tmp_path / "x.zip")
    assert len(office.events("evidence.export.refused")) == 4


def refused(path: Path, data: bytes) -> tuple[str, ...]:
    """The faults of an archive of these bytes; there are some."""
    path.write_bytes(data)
    faults = verify_archive(path).faults
    assert faults
    return faults


def test_an_archive_that_two_readers_read_differently(archive: Any, tmp_path: Path) -> None:
    sound = archive.path.read_bytes()
    told = {
        "before_the_list": "the list of files: ",
        "between_two_files": "bytes before it that belong to no file",
        "bytes_after": "the end: 22 bytes after it",
        "a_wide_end": "the end: refers to ZIP64 records",
        "slack_in_a_file": "ends before its packed bytes do",
        "one_file_listed_twice": "overlaps",
        "an_extra_field": "the length of the extra field is 20",
    }
    for way, made in POLYGLOTS.items():
        faults = refused(tmp_path / "x.zip", made(sound))
        assert all(": " in fault and fault.isprintable() for fault in faults), way
        assert any(told.get(way, "") in fault for fault in faults), (way, faults)


@pytest.mark.parametrize(
    ("fields", "begins"),
    [
        (polyglots.LOCAL_FIELDS, polyglots.LOCAL),
        (polyglots.LISTED_FIELDS, polyglots.LISTED),
        (polyglots.END_FIELDS, polyglots.END),
    ],
    ids=["before a file", "in the list", "at the end"],
)
def test_a_header_that_says_something_else(
    archive: Any, tmp_path: Path, fields: dict[str, tuple[int, int]], begins: bytes
) -> None:
    """Every bit of every field, of the last file."""
    data = archive.path.read_bytes()
    at = data.rindex(begins)
    for offset, width in fields.values():
        for bit in range(8 * width):
            value = int.from_bytes(data[at + offset : at + offset + width], "little") ^ 1 << bit
            refused(tmp_path / "x.zip", polyglots.put(data, at + offset, width, value))


@pytest.mark.parametrize(
    "names",
    [
        ("report.html", "report.html"),
        ("report.html", "Report.HTML"),
        ("shots/caf\u00e9.jpg", "shots/cafe\u0301.jpg"),
        ("shots/\x1b[2J.jpg",),
        ("shots\\0001-x.jpg",),
        ("/etc/passwd",),
        ("shots/0001-../../../evil-0.jpg",),
        ("a/b/c.jpg",),
        ("shots/",),
        ("shots/con.jpg",),
        ("report.html.",),
        ("C:report.html",),
        ("",),
    ],
)
def test_names_that_are_not_the_same_everywhere(tmp_path: Path, names: tuple[str, ...]) -> None:
    """Signed with the office's own key, so that nothing but the names is wrong."""
    key = signing_key(tmp_path)
    about = {"case": "A-1", "made_at": "2026-01-01T00:00:00Z", "made_by": "anna",
             "head": f"1:{'0' * 64}"}  # fmt: skip
    sound = {"a.txt": b"x"}
    written(tmp_path / "sound.zip", sound, about, key)
    assert verify_archive(tmp_path / "sound.zip").sound
    with zipfile.ZipFile(tmp_path / "sound.zip") as opened:
        parts = [(n.encode(), *entry(n.encode(), opened.read(n))) for n in opened.namelist()]
    parts += [(n.encode(), *entry(n.encode(), b"x")) for n in names]
    faults = refused(tmp_path / "x.zip", polyglots.archive(*parts))
    assert all(fault.isascii() and fault.isprintable() for fault in faults)
    if len(set(names)) == 1 and names[0] != "report.html":
        with pytest.raises(EvidenceError, match="cannot hold a file of the name"):
            written(tmp_path / "y.zip", {names[0]: b"x"}, about, key)
        assert not (tmp_path / "y.zip").exists()


def test_an_archive_that_unpacks_to_more_than_fits(tmp_path: Path) -> None:
    """256 KiB that unpack to a thousand times that, and 20,000 files, in little memory and time."""
    key = signing_key(tmp_path)
    about = {"case": "A-1", "made_at": "2026-01-01T00:00:00Z", "made_by": "anna",
             "head": f"1:{'0' * 64}"}  # fmt: skip
    written(tmp_path / "many.zip", {f"shots/{n}.jpg": b"x" for n in range(20_000)}, about, key)
    written(tmp_path / "sound.zip", {"a.bin": b"x"}, about, key)
    with zipfile.ZipFile(tmp_path / "sound.zip") as opened:
        parts = [(n.encode(), *entry(n.encode(), opened.read(n))) for n in opened.namelist()[:3]]
    bomb = entry(b"a.bin", bytes(1 << 28))
    (tmp_path / "bomb.zip").write_bytes(polyglots.archive(*parts, (b"a.bin", *bomb)))
    lying = polyglots.put(bomb[0], 22, 4, 1), polyglots.put(bomb[1], 24, 4, 1)
    (tmp_path / "lying.zip").write_bytes(polyglots.archive(*parts, (b"a.bin", *lying)))
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from workbench.casework.evidence.archive import verify_archive\n"
        "free = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (free + (64 << 20),) * 2)\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (60, 60))\n"
        "for path in sys.argv[1:]:\n"
        "    print(verify_archive(Path(path)).faults)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *(str(tmp_path / f"{n}.zip") for n in
                                       ("many", "bomb", "lying"))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "()",
        "('a.bin: altered since it was signed',)",
        "('a.bin: is larger than its header says',)",
    ], done.stderr


def test_an_archive_that_writes_over_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed as it is, so that what it says is all that is wrong."""
    hostile = "A-1\x1b[2K\rx: signature valid, archive unchanged\n\u202egpj.1"
    path = tmp_path / "x\x1b[2J\nx: signature valid.zip"
    key = signing_key(tmp_path)
    about = {"case": "A-1", "made_at": "2026-01-01T00:00:00Z", "made_by": "anna",
             "head": f"1:{'0' * 64}"}  # fmt: skip
    written(tmp_path / "sound.zip", {"a.txt": b"x"}, about, key)
    with zipfile.ZipFile(tmp_path / "sound.zip") as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    stated = json.loads(files[MANIFEST]) | {"case": hostile, "made_by": hostile}
    files[MANIFEST] = canonical(stated)
    files |= {SIGNATURE: key.sign(files[MANIFEST]), hostile: b""}
    with path.open("wb") as file:
        _pack(file, files)
    for options in ([], ["--json"]):
        assert main(["evidence", "verify", str(path), *options]) == 1
        said = capsys.readouterr()
        assert (said.out + said.err).replace("\n", "").isprintable()
        assert "NOT VALID" in said.err or json.loads(said.out)["sound"] is False
        assert not re.search(r"(?m)^x: signature valid", said.out + said.err)
    with pytest.raises(CaseError, match="invisible character"):
        written(tmp_path / "y.zip", {}, about | {"case": hostile}, key)


def test_a_recording_imported_under_a_path(
    gallery: Gallery, town_file: Path, tmp_path: Path, office: Any, case: Case
) -> None:
    """Its id would be the name of a file in the next archive."""
    exported = tmp_path / "parquet"
    write_parquet(gallery, exported)
    for table in exported.rglob("*.parquet"):
        rows = pq.read_table(table)
        if "recording_id" in rows.column_names and len(rows):
            at = rows.column_names.index("recording_id")
            evil = pa.array(["../../../evil"] * len(rows), rows.schema.types[at])
            pq.write_table(rows.set_column(at, "recording_id", evil), table)
    with Gallery.create(tmp_path / "new.duckdb", gallery.profile) as new:
        with pytest.raises(GalleryError, match="column recording_id, row 1: is not 16 hexa"):
            import_into(new.writer, exported)
        assert len(new.recordings()) == 0
