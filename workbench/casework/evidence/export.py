"""The export of a case that a court can check: one signed archive, and all it rests on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from workbench.casework.evidence.drawings import place_sketch, time_sketch
from workbench.casework.evidence.report import Dossier, Finding, Source, as_html, as_pdf
from workbench.casework.record.chain import Entry, Head
from workbench.casework.record.signing import fingerprint, signing_key, write_archive
from workbench.casework.register import all_entries
from workbench.casework.reviewing.review import considered, error_rates_of
from workbench.casework.subjects import subject_photographs
from workbench.errors import EvidenceError
from workbench.faces.profiles import calibrated_threshold
from workbench.footage.files import at_hand, sha256_of
from workbench.gallery.by_id import tracklets_by_id
from workbench.maps.offline import self_contained_html
from workbench.maps.sightings import sightings_map
from workbench.maps.zones import zone_of_cameras

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from workbench.casework.cases import Case
    from workbench.casework.register import CaseRegister
    from workbench.domain import Candidate
    from workbench.gallery import Gallery


ClipMaker: TypeAlias = Callable[["Candidate", Path], bytes]
"""Takes a sighting and its recording; an MP4 of the moments around it, everybody else blurred."""


@dataclass(frozen=True, slots=True)
class Export:
    """An archive that was written."""

    path: Path
    files: int
    manifest: str  # SHA-256, as the record has it
    fingerprint: str  # of the key: publish it once, by other means
    head: Head
    changed_sources: tuple[str, ...]  # recordings that are not what was indexed


def export(
    register: CaseRegister,
    reference: str,
    gallery: Gallery,
    output: Path,
    *,
    footage: Sequence[Path] = (),
    clip: ClipMaker | None = None,
    zone: ZoneInfo | None = None,
    base_map: Path | None = None,
) -> Export:
    """Write the evidence archive of a case, and record that it was.

    Parameters
    ----------
    output : Path
        A ``.zip`` file that does not exist yet.
    footage : sequence of Path
        Folders of the catalogues the recordings came from; by default those they were indexed
        from. A recording that is not found there is named as not checked.
    clip : callable, optional
        Makes the clips; without it, the report says that there are none.
    zone : ZoneInfo, optional
        In which times are shown; by default that of the cameras' place.
    base_map : Path, optional
        GeoJSON of streets to draw under the map.

    Raises
    ------
    NotPermitted
        If no role of whoever is at work covers it.
    EvidenceError
        If there is a file of that name, or it cannot be written.
    """
    me, case = register.require("evidence.export", reference), register.case(reference)
    if output.exists():
        raise EvidenceError("there is a file already", where=str(output), fix="Choose another name")
    head, made_at = register.head, datetime.now(UTC)
    findings = tuple(_findings(register, reference, gallery))
    seen = {f.number: f.candidate for f in findings if f.candidate and f.item.outcome == "sighting"}
    cameras = gallery.cameras_inside(case.request.district)
    zone = zone_of_cameras(cameras, override=zone)
    sources = tuple(_sources(gallery, findings, footage))
    clips = {} if clip is None else _clips(clip, gallery, seen, sources, footage)
    photographs = _photographs(register, case)
    told = Dossier(
        case=case,
        photographs=photographs,
        searches=_searches(register, reference),
        refused=_refused(register, reference),
        findings=findings,
        fillers=sum(bool(item.filler) for item in considered(register, reference)),
        error_rates=error_rates_of(register, _examiners(findings)),
        sources=sources,
        clips=tuple(clips),
        profile=gallery.profile,
        threshold=calibrated_threshold(
            gallery.profile, calibrations=register.rules.calibrations, photographs=len(photographs)
        ),
        places=place_sketch(case.request.district, cameras, seen),
        times=time_sketch(case.scope, gallery.footage(), seen, zone),
        zone=zone,
        made_at=made_at,
        made_by=me.account,
        head=head,
    )
    files = {
        "report.html": as_html(told),
        "report.pdf": as_pdf(told),
        "map.html": _map(told, cameras, list(seen.values()), base_map),
        "case.json": _json(case.request.document() | {"approved_by": list(case.approved_by)}),
        "candidates.csv": _candidates(told),
        "sources.csv": _table(["file", "camera_id", "indexed_sha256", "now_sha256", "state"],
                              [[*asdict(s).values(), s.state_text] for s in told.sources]),
        "record.jsonl": _record(register, reference),
        **{
            f"shots/{f.number:04}-{f.item.tracklet_id}.jpg": f.candidate.shot_jpeg
            for f in findings
            if f.candidate
        },
        **clips,
        **{f"subject/{n}.jpg": jpeg for n, jpeg in enumerate(told.photographs, start=1)},
    }  # fmt: skip
    key = signing_key(register.folder)
    about = {
        "case": reference,
        "training": case.is_training,
        "made_at": made_at.isoformat(),
        "made_by": me.account,
        "head": str(head),
    }
    manifest = write_archive(output, files, about, key)
    mark = fingerprint(key.public_key().public_bytes_raw())
    register.record(
        "evidence.exported",
        {"case": reference, "manifest": manifest, "key": mark, "files": len(files)},
        by=me,
    )
    changed = tuple(s.file for s in told.sources if s.changed)
    return Export(output, len(files), manifest, mark, head, changed)


def is_recorded(folder: Path, manifest: str) -> bool:
    """Whether the record of a casework folder names an export with this manifest."""
    return any(
        entry.what == "evidence.exported" and entry.about["manifest"] == manifest
        for entry in all_entries(folder)
    )


def _photographs(register: CaseRegister, case: Case) -> tuple[bytes, ...]:
    return subject_photographs(register.folder, case)


def _searches(register: CaseRegister, reference: str) -> tuple[tuple[Entry, Entry | None], ...]:
    asked: dict[int, Entry] = {}
    answered: dict[int, Entry] = {}
    for entry in all_entries(register.folder):
        if entry.about.get("case") != reference:
            continue
        if entry.what == "search.asked":
            asked[entry.number] = entry
        elif entry.what == "search.answered":
            answered[entry.about["asked"]] = entry
    return tuple((entry, answered.get(number)) for number, entry in asked.items())


def _refused(register: CaseRegister, reference: str) -> int:
    return sum(
        entry.what == "search.refused" and entry.about.get("case") == reference
        for entry in all_entries(register.folder)
    )


def _findings(register: CaseRegister, reference: str, gallery: Gallery) -> list[Finding]:
    items = [item for item in considered(register, reference) if item.tracklet_id]
    scores = {
        item.tracklet_id: float("nan") if item.score is None else item.score for item in items
    }
    known = tracklets_by_id(gallery, scores)
    found = [(item, known.get(item.tracklet_id)) for item in items]
    found.sort(key=lambda pair: (pair[1] is None, pair[1].first_seen if pair[1] else None))
    return [Finding(number, *pair) for number, pair in enumerate(found, start=1)]


def _examiners(findings: Sequence[Finding]) -> set[str]:
    return {decision.examiner for finding in findings for decision in finding.item.decisions}


def _sources(
    gallery: Gallery, findings: Sequence[Finding], footage: Sequence[Path]
) -> list[Source]:
    wanted = {f.candidate.recording_id for f in findings if f.candidate}
    recordings = gallery.recordings()
    sources = []
    for row in recordings[recordings["recording_id"].isin(wanted)].itertuples():
        path = at_hand(str(row.file), _roots(gallery, footage))
        now = "" if path is None else sha256_of(path)
        sources.append(Source(str(row.file), str(row.camera_id), str(row.sha256), now))
    return sources


def _roots(gallery: Gallery, footage: Sequence[Path]) -> list[Path]:
    """Where recordings may be: in the given folders, and where they were indexed from."""
    return [*footage, *(Path(source) for source in gallery.runs()["source"].unique())]


def _clips(
    clip: ClipMaker,
    gallery: Gallery,
    seen: Mapping[int, Candidate],
    sources: Sequence[Source],
    footage: Sequence[Path],
) -> dict[str, bytes]:
    """A clip of each sighting whose recording is at hand and is the one that was indexed."""
    roots = _roots(gallery, footage)
    unchanged = {source.file for source in sources if source.available and not source.changed}
    found = {}
    for number, sighting in seen.items():
        path = at_hand(sighting.recording, roots)
        if path is not None and sighting.recording in unchanged:
            found[f"clips/{number:04}-{sighting.tracklet_id}.mp4"] = clip(sighting, path)
    return found


def _map(
    told: Dossier, cameras: Sequence[Any], seen: Sequence[Candidate], base_map: Path | None
) -> bytes:
    page = self_contained_html(
        sightings_map(
            seen,
            confirmed={sighting.tracklet_id for sighting in seen},
            cameras=cameras,
            district=told.case.request.district,
            zone=told.zone,
            base_map=base_map,
        )
    )
    return page.encode("utf-8")


def _candidates(told: Dossier) -> bytes:
    columns = ["number", "tracklet_id", "camera_id", "first_seen", "last_seen", "score", "outcome"]
    columns += ["examiner", "at", "conclusion", "features", "reason"]
    rows: list[list[Any]] = []
    for finding in told.findings:
        seen = finding.candidate
        own = [finding.number, finding.item.tracklet_id]
        own += [seen.camera.camera_id, seen.first_seen, seen.last_seen] if seen else ["", "", ""]
        own += [finding.item.score, finding.item.outcome]
        for d in finding.item.decisions:
            rows.append([*own, d.examiner, d.at, d.words, json.dumps(dict(d.features)), d.reason])
        if not finding.item.decisions:
            rows.append([*own, "", "", "", "", ""])
    return _table(columns, rows)


def _record(register: CaseRegister, reference: str) -> bytes:
    """The entries about a case, each with its number and hash in the chain."""
    lines = [
        {
            "n": entry.number, "at": entry.at.isoformat(), "by": dict(entry.by),
            "what": entry.what, "about": dict(entry.about), "hash": entry.hash,
        }
        for entry in all_entries(register.folder)
        if entry.about.get("case") == reference
    ]  # fmt: skip
    return b"".join(_json(line) for line in lines)


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8")


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """CSV in which no cell is a formula to a spreadsheet (OWASP, CSV injection)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
    return text.getvalue().encode("utf-8")


def _harmless(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if text[:1] in {"=", "+", "@", "\t", "\r"} else text
