"""Changing or replaying what was exported as evidence."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.casework.cases import Case, Request
from workbench.casework.evidence.export import export, is_recorded
from workbench.casework.record.signing import (
    MANIFEST,
    PUBLIC_KEY,
    SIGNATURE,
    signing_key,
    verify_archive,
)
from workbench.casework.record.signing import write_archive as written
from workbench.casework.register import CaseRegister
from workbench.domain import Probe
from workbench.errors import NotPermitted
from workbench.gallery import Gallery

Ask = Callable[..., Request]


@pytest.fixture
def archive(office: Any, case: Case, gallery: Gallery, tmp_path: Path) -> Any:
    return export(office.register, "A-1", gallery, tmp_path / "A-1.zip")


def changed(archive: Any, **files: bytes) -> Path:
    with zipfile.ZipFile(archive.path) as opened:
        content = {name: opened.read(name) for name in opened.namelist()}
    path: Path = archive.path.with_name("changed.zip")
    with zipfile.ZipFile(path, "w") as opened:
        for name, data in (content | files).items():
            opened.writestr(name, data)
    return path


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
    other = CaseRegister(tmp_path / "elsewhere", office.register.rules)
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
