"""Cost of authority and the record to a search, and of a long record.

A search is timed as `investigation.search` does it and as the gallery alone does it, in turn; the
difference is what the case, the permit and two entries on the disk cost. No face model is needed:
the gallery holds random templates, because what is measured does not look at them.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from options import add_shared, keep
from PIL import Image
from shapely import Point

CALLS = ("case and reasons", "permit", "entries")


def milliseconds(work, *, rounds: int) -> list[float]:
    """Milliseconds that *work* takes, one number per round."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append(1e3 * (time.perf_counter() - began))
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--entries", type=int, default=100_000, help="in the long record")
    parser.add_argument("--json", action="store_true")
    add_shared(parser)
    options = parser.parse_args()
    if options.small:
        options.rounds, options.entries = 3, 200
    with tempfile.TemporaryDirectory() as scratch:
        # On the disk of the working directory: /tmp may be memory.
        with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".casework-") as home:
            os.environ["SIGHTLINE_HOME"] = home
            figures = measure(Path(scratch), options.rounds, 5 if options.small else 100)
        figures |= long_record(Path(scratch) / "long", options.entries)
    keep(options, figures)
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:52} {value:10.3f}")


def measure(scratch: Path, rounds: int, recordings: int) -> dict[str, float]:
    """Medians of a search with and without casework, a case with a subject and 500 corners."""
    from workbench.casework import answers, authority
    from workbench.casework.cases import Request
    from workbench.casework.provenance import NOT_KNOWN, Provenance
    from workbench.casework.record.acting import acting_for
    from workbench.casework.subjects import describe_subject
    from workbench.domain import (
        Box,
        Camera,
        District,
        Face,
        IndexedRecording,
        Photograph,
        Probe,
        Profile,
        Quality,
        Recording,
        Scope,
        Shot,
        Tracklet,
    )  # fmt: skip
    from workbench.gallery import Gallery
    from workbench.gallery import search as gallery_search
    from workbench.installation import Installation
    from workbench.investigation import search
    from workbench.permit.issuing import issue

    draw, start = np.random.default_rng(0), datetime(2026, 3, 29, tzinfo=UTC)
    profile = Profile("bench", "dlib", "Dlib", "dlib-chip", "euclidean", 128)
    quality, face = Quality(*[0.9] * 5), Face(Box(0, 0, 9, 9), 1.0)

    def template():
        return draw.normal(0, 0.1, 128).astype(np.float32)

    one, file = template(), io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    probe = Probe(
        (Photograph("1.jpg", face, quality, b"1", one, original=file.getvalue()),), one, profile
    )
    district = District("round", Point(0, 51).buffer(0.02, quad_segs=125))
    smaller = District("rounder", Point(0, 51).buffer(0.019, quad_segs=125))
    scope = Scope(smaller, start, start + timedelta(hours=20))
    with Gallery.create(scratch / "gallery.duckdb", profile) as gallery:
        gallery.add_cameras(Camera(f"C{n}", f"{n}", 51 + n / 1e4, 0) for n in range(100))
        for n in range(recordings):
            began = start + timedelta(minutes=10 * n)
            shots = [Shot(0, began, Box(0, 0, 9, 9), quality, b"j", template()) for _ in range(20)]
            tracklets = tuple(
                Tracklet(i, began, began + timedelta(seconds=9), 3, (shot,), shot.template)
                for i, shot in enumerate(shots)
            )
            recording = Recording(f"{n}.mp4", Path("x"), f"C{n}", began)
            gallery.add_recording(
                IndexedRecording(
                    recording, f"{n:064}", 1, 1, 600.0, 640, 360, 100, 10, 20, tracklets
                )
            )
        # In service: the account that runs this may search what another has approved.
        register = Installation.open().register
        gallery.give_to(register.installation_file.id)
        folder, me, other = register.folder, register.me.account, "someone-else"
        document = {"people": {me: ["analyst"], other: ["supervisor"]}}
        (folder / "people.json").write_text(json.dumps(document))
        (folder / "people.json").chmod(0o644)
        request = Request(
            reference="B-1", purpose="missing person", legal_basis="x", authority="x",
            authorisation="x", district=district, start=scope.start, end=scope.end,
            valid_from=datetime.now(UTC), valid_until=datetime.now(UTC) + timedelta(days=1),
            subject=describe_subject(
                probe,
                calibrations=register.rules.calibrations,
                provenance=[
                    Provenance(source="x", given_by="x", taken=NOT_KNOWN, changes="nothing")
                ],
            ),
        )  # fmt: skip
        register.ask(request, subject=probe)
        # One account cannot be two people: this process acts for the other for once.
        with acting_for(other, "hub"):
            register.approve("B-1", digest=request.digest)
        cameras = gallery.cameras_inside(scope.district)

        def whole():
            search(gallery, probe, scope, case="B-1", register=register, top=20)

        def bare():
            permit = issue("B-1", me, 1, gallery=gallery.path, template=one, scope=scope)
            gallery.cameras_inside(scope.district)
            gallery_search.search(gallery, one, scope, permit=permit, top=20)
            gallery.coverage(scope)

        def casework():
            permit = authority.authorise(register, "B-1", gallery, probe, scope, cameras=cameras)
            answers.answered(
                register, permit, gallery, found,
                commit=1, candidates=20, compared=20, seconds=0.1,
            )  # fmt: skip

        found = search(gallery, probe, scope, case="B-1", register=register, top=20).candidates
        whole(), bare(), casework()
        with_it, without, alone = [], [], []
        for _ in range(rounds):
            with_it += milliseconds(whole, rounds=1)
            without += milliseconds(bare, rounds=1)
            alone += milliseconds(casework, rounds=1)
    middle = statistics.median
    return {
        "a search with casework, ms (median)": middle(with_it),
        "the gallery alone, ms (median)": middle(without),
        "authority and record, ms (median)": middle(alone),
        "authority and record, ms (95 of 100)": statistics.quantiles(alone, n=20)[-1],
        "ratio of a search with and without": middle(with_it) / middle(without),
    }


def long_record(folder: Path, entries: int) -> dict[str, float]:
    """Measure opening and verifying a long record."""
    from workbench.casework.ledger import KEPT
    from workbench.casework.record.audit import HEAD, LOG, AuditLog, verify
    from workbench.casework.record.chain import START, canonical
    from workbench.casework.record.keys import is_signed, public_half, record_key

    folder.mkdir()
    before = START
    about = {
        "case": "A-1",
        "bounds": [0.1, 51.2, 0.3, 51.4],
        "probe": "0" * 64,
        "profile": "0" * 16,
    }
    with (folder / LOG).open("wb") as file:
        for number in range(1, entries + 1):
            body = {"n": number, "at": "2026-03-29T00:00:00+00:00", "by": {"account": "anna"},
                    "what": "search.asked", "about": about}  # fmt: skip
            rest = before.encode() + b" " + canonical(body)
            before = hashlib.sha256(rest).hexdigest()
            file.write(before.encode() + b" " + rest + b"\n")
    (folder / HEAD).write_text(f"{entries:020d}:{before}\n")
    # As the register reads it: every line checked, those that say what is so parsed.
    opening = milliseconds(lambda: AuditLog(folder, kinds=KEPT).read_new(), rounds=3)
    checking = milliseconds(lambda: verify(folder), rounds=3)
    log = AuditLog(folder)
    log.read_new()
    adding = milliseconds(lambda: log.append("x", {}, about), rounds=200)
    key = record_key(folder)
    signed, known = log.append("x", {}, about, key=key)[-1], [public_half(key)]
    assert is_signed(signed, known)
    signatures = milliseconds(lambda: is_signed(signed, known), rounds=200)
    return {
        f"open a record of {entries:,} entries, ms": statistics.median(opening),
        f"verify a record of {entries:,} entries, ms": statistics.median(checking),
        "one more entry in it, on the disk, ms (median)": statistics.median(adding),
        "checking a signature, ms (median)": statistics.median(signatures),
    }


if __name__ == "__main__":
    main()
