"""Evidence archive of a case: one signed file that a court can check, with its sources."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.evidence.archive import Content, write_archive
from workbench.casework.evidence.docx import as_docx
from workbench.casework.evidence.dossier import (
    Dossier,
    Finding,
    Source,
    is_outside,
    sightings_of,
)
from workbench.casework.evidence.drawings import place_sketch, time_sketch
from workbench.casework.evidence.films import ClipMaker, Films, check_size, make_films
from workbench.casework.evidence.reading import Reading, read_record
from workbench.casework.evidence.report import as_html, as_pdf
from workbench.casework.evidence.stills import as_stills
from workbench.casework.facts import notices_of
from workbench.casework.plaintext import required_reason
from workbench.casework.record.chain import Head
from workbench.casework.record.keys import counting
from workbench.casework.record.signing import fingerprint, signing_key
from workbench.casework.register import all_entries
from workbench.casework.reviewing.exports import facts_of
from workbench.casework.subjects import subject_photographs
from workbench.casework.viewing import may_see_sharp
from workbench.domain import TIME_FIELDS
from workbench.domain.spreadsheets import csv_text
from workbench.errors import EvidenceError, NotCalibrated
from workbench.faces.profiles import calibrated_threshold
from workbench.footage.files import at_hand, sha256_of
from workbench.gallery.lookup import tracklets_by_id
from workbench.maps.offline import self_contained_html
from workbench.maps.sightings import sightings_map
from workbench.maps.zones import zone_of_cameras

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from workbench.casework.cases import Case
    from workbench.casework.register import CaseRegister
    from workbench.casework.reviewing.verdicts import Reviewed
    from workbench.domain import Candidate, ProgressCallback, Threshold
    from workbench.gallery import Gallery


@dataclass(frozen=True, slots=True)
class Export:
    """Evidence archive that was written."""

    path: Path
    files: int
    manifest: str  # SHA-256 of the manifest, as in the record
    fingerprint: str  # of the signing key: publish it once, by other means
    head: Head
    changed_sources: tuple[str, ...]  # recordings that differ from what was indexed


def export(
    register: CaseRegister,
    reference: str,
    gallery: Gallery,
    output: Path,
    *,
    footage: Sequence[Path] = (),
    clip: ClipMaker | None = None,
    sharp: str = "",
    zone: ZoneInfo | None = None,
    base_map: Path | None = None,
    saved_as: str = "",
    largest: int | None = None,
    progress: ProgressCallback | None = None,
) -> Export:
    """Write the evidence archive of a case, and record the export before it has its name.

    It holds the report (HTML, PDF and DOCX), a still sheet, the clips and a compilation of them in
    the order of time, map, tables and entries of the record, all signed as a whole.

    Parameters
    ----------
    output : Path
        A ``.zip`` file that does not exist yet.
    footage : sequence of Path
        More folders in which to look for the recordings, besides those they were indexed from. A
        recording that is not found is reported as not available.
    clip : callable, optional
        Makes the clips; without it, the archive holds none, and the compilation shows best shots.
    sharp : str
        Reason for which there are sharp clips too, in which bystanders can be recognised; goes on
        record. Empty if there are none.
    zone : ZoneInfo, optional
        Time zone in which times are shown; by default that of the cameras.
    base_map : Path, optional
        GeoJSON of streets to draw under the map.
    saved_as : str
        Name under which a browser saves the file; by default *output* stays where it is.
    largest : int, optional
        Most bytes of all files together, where more cannot be handed over; nothing is written or
        recorded then.
    progress : callable, optional
        Called now and then; ``done`` and ``total`` count thousandths of clips. It may raise
        Cancelled: nothing is written or recorded then.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it, or they want sharp clips and are not a member of the
        case.
    CaseError
        If there is no such case for the user, or the reason is blank or holds invisible letters.
    EvidenceError
        If the file exists or cannot be written, or the files are larger.
    Cancelled
        If *progress* raised it.
    """
    me, case = register.require("evidence.export", reference), register.case(reference)
    if sharp:
        sharp = required_reason(sharp, reference)
        may_see_sharp(register, reference)
    if output.exists():
        raise EvidenceError("exists already", where=str(output), fix="Choose another name")
    read = read_record(register, case, gallery)
    with ExitStack() as opened:  # the files in which films lie
        dossier, films = _gather(
            register, case, gallery, read, footage, clip, largest,
            folder=output.parent, opened=opened, sharp=bool(sharp), zone=zone,
            made_by=me.account, progress=progress,
        )  # fmt: skip
        files: dict[str, Content] = {**_files(register, dossier, read, base_map), **films.files}
        files["stills.pdf"] = as_stills(dossier, films.stills)
        check_size(files, largest, reference=reference)
        key = signing_key(register.folder)
        about = {
            "case": reference,
            "training": case.without_authority,
            "made_at": dossier.made_at.isoformat(),
            "made_by": me.account,
            "head": str(dossier.head),
        }
        mark = fingerprint(key.public_key().public_bytes_raw())

        def note(manifest: str) -> None:
            entry = {"case": reference, "manifest": manifest, "key": mark, "files": len(files)}
            entry["file"] = saved_as or str(output.resolve())
            entry |= {"sharp": sharp} if sharp else {}
            with register.exclusively():
                register.case(reference)  # which may have ended while the files were made
                if sharp:
                    may_see_sharp(register, reference)
                register.record("evidence.exported", entry, by=me)

        manifest = write_archive(output, files, about, key, record=note)
    changed = tuple(source.file for source in dossier.sources if source.changed)
    return Export(output, len(files), manifest, mark, dossier.head, changed)


def is_recorded(folder: Path, manifest: str) -> bool:
    """Check whether the record of a casework folder names an export with this manifest."""
    named = (
        entry
        for entry in all_entries(folder)
        if entry.what == "evidence.exported" and entry.about["manifest"] == manifest
    )
    return any(counting(named, folder))


def _gather(
    register: CaseRegister,
    case: Case,
    gallery: Gallery,
    read: Reading,
    footage: Sequence[Path],
    clip: ClipMaker | None,
    largest: int | None,
    *,
    folder: Path,
    opened: ExitStack,
    sharp: bool,
    zone: ZoneInfo | None,
    made_by: str,
    progress: ProgressCallback | None,
) -> tuple[Dossier, Films]:
    """Collect what a report is made from, and make its films."""
    listed = read.listed
    findings = tuple(_findings(listed.items, gallery))
    sightings = sightings_of(findings)
    cameras = gallery.cameras_inside(case.request.district, unplaced=case.scope.unplaced)
    zone = zone_of_cameras(cameras, override=zone)
    sources = tuple(_sources(gallery, findings, footage))
    at_hand_now = {} if clip is None else _unchanged(gallery, sightings, sources, footage)
    shown = tuple(sightings.values())
    facts = facts_of(
        register, case.reference, shown, scope=case.scope, zone=zone, searches=read.searches,
        at=read.at, confirmed={one.tracklet_id for one in shown},
    )  # fmt: skip
    facts |= {"title": "Confirmed sightings", **_waiting(listed.waiting)}
    films = make_films(
        case, sightings, at_hand_now, facts=facts, folder=folder, opened=opened,
        zone=zone, clip=clip, sharp=sharp, largest=largest, progress=progress,
    )  # fmt: skip
    photographs = subject_photographs(register.folder, case)
    dossier = Dossier(
        case=case,
        steps=read.steps,
        in_service=register.me.in_service and not register.me.played_by,
        photographs=photographs,
        searches=read.searches,
        refused=read.refused,
        findings=findings,
        waiting=listed.waiting,
        fillers=sum(bool(item.filler) for item in listed.items),
        error_rates=read.error_rates,
        sources=sources,
        tracks=gallery.tracks({f.candidate.recording_id for f in findings if f.candidate}),
        clips=tuple(films.files),
        notes=read.notes,
        watched=read.watched,
        cameras=cameras,
        profile=gallery.profile,
        threshold=_default_threshold(register, gallery, photographs=max(1, len(photographs))),
        places=place_sketch(case.request.district, cameras, sightings),
        times=time_sketch(case.scope, gallery.footage(), sightings, zone),
        zone=zone,
        made_at=read.at,
        made_by=made_by,
        head=read.head,
        facts=facts,
    )
    return dossier, films


def _default_threshold(
    register: CaseRegister, gallery: Gallery, *, photographs: int
) -> Threshold | None:
    try:
        return calibrated_threshold(
            gallery.profile, calibrations=register.rules.calibrations, photographs=photographs
        )
    except NotCalibrated:
        return None  # the report says so


def _files(
    register: CaseRegister, dossier: Dossier, read: Reading, base_map: Path | None
) -> dict[str, bytes]:
    """Render every file of an archive but the films, by name."""
    case, sightings = dossier.case, tuple(sightings_of(dossier.findings).values())
    said = notices_of(case, zone=dossier.zone)
    notice = {"notice": " ".join(said)} if said else {}

    def facts(shown: Sequence[Candidate], title: str = "") -> dict[str, str]:
        told = facts_of(
            register, case.reference, shown,
            scope=case.scope, zone=dossier.zone, searches=read.searches, at=read.at,
            confirmed={one.tracklet_id for one in sightings},
        )  # fmt: skip
        return told | _waiting(dossier.waiting) | ({"title": title} if title else {})

    seen = [finding.candidate for finding in dossier.findings if finding.candidate]
    authorised = {
        "approved_by": list(case.approved_by),
        "confirmed_by": case.confirmed_by,
        "authorised_as": case.authorisation,
        "authorisations": [step.document() for step in dossier.steps],
    }
    of_sources = facts(seen, "Source recordings of the candidates") | notice
    files = {
        "report.html": as_html(dossier),
        "report.pdf": as_pdf(dossier),
        "report.docx": as_docx(dossier),
        "map.html": _map(dossier, base_map),
        "case.json": _json(case.request.document() | authorised | notice),
        "candidates.csv": _candidates(dossier, facts(seen) | notice),
        "sources.csv": csv_text(
            ["file", "camera_id", "indexed_sha256", "now_sha256", "state", *of_sources],
            [
                [*asdict(source).values(), source.state_text, *of_sources.values()]
                for source in dossier.sources
            ],
        ).encode("utf-8"),
        "record.jsonl": _record(register, read, dossier, notice),
    }
    mark = dossier.mark  # pictures are kept as they were found, so their names say it
    for finding in dossier.findings:
        if finding.candidate:
            name = f"shots/{mark}{finding.number:04}-{finding.item.tracklet_id}.jpg"
            files[name] = finding.candidate.shot_jpeg
    for n, jpeg in enumerate(dossier.photographs, start=1):
        files[f"subject/{mark}{n}.jpg"] = jpeg
    return files


def _waiting(faces: int) -> dict[str, str]:
    """Say that the review goes on, where faces wait: what waits is in no file."""
    words = "1 face waits for decisions and is" if faces == 1 else f"{faces} faces wait and are"
    return {"review": f"not finished: {words} left out"} if faces else {}


def _findings(listed: Sequence[Reviewed], gallery: Gallery) -> list[Finding]:
    items = [item for item in listed if item.tracklet_id]
    scores = {
        item.tracklet_id: float("nan") if item.score is None else item.score for item in items
    }
    known = tracklets_by_id(gallery, scores, scales={i.tracklet_id: i.scale for i in items})
    found = [(item, known.get(item.tracklet_id)) for item in items]
    # Sightings first, so that their numbers are those of their page.
    found.sort(
        key=lambda pair: (
            pair[1] is None,
            pair[0].outcome != "sighting",
            pair[1].first_seen if pair[1] else None,
            pair[0].tracklet_id,
        )
    )
    return [Finding(number, *pair) for number, pair in enumerate(found, start=1)]


def _sources(
    gallery: Gallery, findings: Sequence[Finding], footage: Sequence[Path]
) -> list[Source]:
    wanted = {f.candidate.recording_id for f in findings if f.candidate}
    recordings = gallery.recordings()
    sources = []
    for row in recordings[recordings["recording_id"].isin(wanted)].itertuples():
        path = at_hand(str(row.file), _roots(gallery, footage), sha256=str(row.sha256))
        now = "" if path is None else sha256_of(path)
        sources.append(Source(str(row.file), str(row.camera_id), str(row.sha256), now))
    return sources


def _roots(gallery: Gallery, footage: Sequence[Path]) -> list[Path]:
    """Return where recordings may be: the given folders, and where they were indexed from."""
    return [*footage, *(Path(source) for source in gallery.runs()["source"].unique())]


def _unchanged(
    gallery: Gallery,
    sightings: Mapping[int, Candidate],
    sources: Sequence[Source],
    footage: Sequence[Path],
) -> dict[int, Path]:
    """Find the recording of each sighting that is available and unchanged, by its number."""
    roots = _roots(gallery, footage)
    recordings = gallery.recordings().set_index("recording_id")["sha256"]
    unchanged = {source.now_sha256 for source in sources if not source.changed}
    found = {}
    for number, sighting in sightings.items():
        sha256 = str(recordings[sighting.recording_id])
        path = at_hand(sighting.recording, roots, sha256=sha256)
        if path is not None and sha256 in unchanged:
            found[number] = path
    return found


def _map(dossier: Dossier, base_map: Path | None) -> bytes:
    sightings = list(sightings_of(dossier.findings).values())
    page = self_contained_html(
        sightings_map(
            sightings,
            confirmed={sighting.tracklet_id for sighting in sightings},
            settled=True,
            cameras=dossier.cameras,
            district=dossier.case.request.district,
            zone=dossier.zone,
            base_map=base_map,
            facts=dossier.facts,
            notices=notices_of(dossier.case, zone=dossier.zone),
        )
    )
    return page.encode("utf-8")


def _candidates(dossier: Dossier, facts: Mapping[str, str]) -> bytes:
    columns = [
        "number",
        "tracklet_id",
        "camera_id",
        "first_seen",
        "last_seen",
        "score",
        "scale",
        "outcome",
    ]
    columns += [*TIME_FIELDS, "outside_authorised_time"]
    columns += ["examiner", "at", "conclusion", "features", "reason"]
    rows: list[list[Any]] = []
    for finding in dossier.findings:
        seen = finding.candidate
        own = [finding.number, finding.item.tracklet_id]
        own += [seen.camera.camera_id, seen.first_seen, seen.last_seen] if seen else ["", "", ""]
        own += [finding.item.score, finding.item.scale, finding.item.outcome]
        own += seen.time.fields.values() if seen else [""] * len(TIME_FIELDS)
        own.append(is_outside(seen, dossier.steps) if seen else "")
        for d in finding.item.decisions:
            rows.append([*own, d.examiner, d.at, d.words, json.dumps(dict(d.features)), d.reason])
        if not finding.item.decisions:
            rows.append([*own, "", "", "", "", ""])
    rows = [[*row, *facts.values()] for row in rows]
    return csv_text([*columns, *facts], rows).encode("utf-8")


def _record(
    register: CaseRegister, read: Reading, dossier: Dossier, notice: Mapping[str, str]
) -> bytes:
    """Write the entries that a report tells as they are in the chain, with number and hash.

    Those that the installation did not sign are left out.
    """
    recordings = {f.candidate.recording_id for f in dossier.findings if f.candidate}
    wanted = read.entries_about(dossier.case.reference, recordings)
    lines = [
        {
            "n": entry.number, "at": entry.at.isoformat(), "by": dict(entry.by),
            "what": entry.what, "about": dict(entry.about), "hash": entry.hash, **notice,
        }
        for entry in counting(wanted, register.folder)
    ]  # fmt: skip
    return b"".join(_json(line) for line in lines)


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8")
