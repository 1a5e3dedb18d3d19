"""Evidence archives damaged at random are refused, and never by a traceback."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mutations import MUTATIONS, mutated, try_all
from polyglots import END, LISTED, LOCAL, POLYGLOTS

from workbench.casework.evidence.archive import (
    FORMAT,
    MANIFEST,
    PUBLIC_KEY,
    SIGNATURE,
    Verified,
    _pack,
    verify_archive,
    write_archive,
)
from workbench.casework.record.chain import canonical
from workbench.casework.record.signing import signing_key
from workbench.errors import EvidenceError

ABOUT = {"case": "A-1", "made_at": "2026-01-01T00:00:00+00:00", "made_by": "anna",
         "training": False, "head": f"7:{'a' * 64}"}  # fmt: skip
FILES = {
    "report.html": b"<p>nothing found</p>" * 40,
    "record.jsonl": b"{}\n",
    **{f"shots/{n:04}-{n}.jpg": bytes(range(256)) for n in range(3)},
}
BITS = (b"\0", b"\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", LOCAL, LISTED, END)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder / "x.zip", FILES, ABOUT, signing_key(folder))
    assert verify_archive(folder / "x.zip").sound
    return (folder / "x.zip").read_bytes()


@pytest.mark.soak
@pytest.mark.parametrize("what", ["an archive", "its end", "a polyglot"])
def test_a_damaged_archive_is_refused(sound: bytes, tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.zip"

    def damage(generator: random.Random) -> bytes:
        if what == "its end":  # where the list is
            at = generator.randrange(len(sound) - 600, len(sound))
            return sound[:at] + mutated(sound[at:], generator, BITS)
        if what == "a polyglot":
            made = POLYGLOTS[generator.choice(list(POLYGLOTS))](sound)
            return mutated(made, generator, BITS)
        return mutated(sound, generator, BITS)

    def read(data: bytes) -> None:
        path.write_bytes(data)
        try:
            found = verify_archive(path)
        except EvidenceError:
            return
        assert found.sound == (data == sound)
        assert all(fault.isprintable() for fault in found.faults)

    try_all(what, damage, read, 4 * MUTATIONS)


def signed(path: Path, manifest: bytes) -> Verified:
    """Verify an archive of one file whose manifest is signed, whatever it says."""
    key = signing_key(path.parent)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with path.open("wb") as file:
        _pack(
            file,
            {MANIFEST: manifest, SIGNATURE: key.sign(manifest), PUBLIC_KEY: public, "a.txt": b"x"},
        )
    return verify_archive(path)


@pytest.mark.soak
def test_a_manifest_of_anything_is_told(tmp_path: Path) -> None:
    """Whoever signs can write what they like."""
    values: tuple[Any, ...] = (
        None, True, -1, 1.5, "", "x", [], ["a"], {}, {"a": 1}, "\x1b[2J", "a\nb", "\u202e",
        "\ud800", "9" * 5000, [[[]]], {"sha256": "a", "bytes": 1}, {"sha256": 1, "bytes": "1"},
    )  # fmt: skip

    def damage(generator: random.Random) -> bytes:
        files = {"a.txt": {"sha256": "0" * 64, "bytes": 1}}
        stated: dict[str, Any] = {"format": FORMAT, **ABOUT, "files": files}
        place: Any = generator.choice([stated, files, files["a.txt"]])
        place[generator.choice([*place, "more", "../x"])] = generator.choice(values)
        return canonical(stated)

    def read(manifest: bytes) -> None:
        found = signed(tmp_path / "x.zip", manifest)
        assert found.faults
        assert all(each.isprintable() for each in (*found.faults, found.case, found.made_by))

    try_all("a manifest", damage, read, MUTATIONS)


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b'{"files":' * 50_000, b"\xff", b"9" * 6000, b"", b"null"]
)
def test_a_manifest_that_is_no_json_is_told(tmp_path: Path, text: bytes) -> None:
    (fault,) = signed(tmp_path / "x.zip", text).faults
    assert fault.startswith("manifest.json: cannot be read")
