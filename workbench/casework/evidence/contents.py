"""Contents of a case's report: what is reported, section by section, and in which words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from workbench.casework.evidence.dossier import Dossier, is_outside, sightings_of
from workbench.casework.evidence.films import in_words
from workbench.casework.evidence.noted import note_rows, viewing_rows
from workbench.casework.facts import notices_of, provenance_words
from workbench.casework.reviewing.verdicts import SAME_FROM, SCALE
from workbench.domain import FILM, PLAIN_SCALE

if TYPE_CHECKING:
    from workbench.casework.evidence.drawings import Sketch
    from workbench.domain import Candidate

LEAD = (
    "A match is a lead, never an identification. No measure may be taken against anyone on the "
    "basis of it alone."
)
METHOD = (
    "Faces in the recordings were detected and followed. Each pass of a face before a camera is a "
    "tracklet; its best shots were turned into a template. Each search compared the probe, made "
    "from the photographs of the subject, with every template inside the stated district and time "
    "range, and with no other; the comparison is exact, not approximate. Tracklets that reached "
    "the threshold are candidates. Examiners then compared candidates with the photographs, "
    "feature by feature. A candidate is a sighting only if two examiners independently found at "
    f"least {SCALE[SAME_FROM]}; if the first two disagreed, a third decided."
)
BLIND = (
    "They saw neither score, place, time nor the conclusions of others, and no one took part who "
    "had searched under the case, had seen its candidates otherwise, or had exported any."
)
NOT_BLIND = "While an installation trains, one person may play all parts: examiners were not blind."
FILLERS = "Some faces on their lists were fillers, known to be other people."
PLAIN = "a score is the cosine similarity, or 1 minus the Euclidean distance, of two templates."
NORMALISED = (
    "a score says by how many standard deviations two templates are more alike than those of "
    "different people, after what each has in common with strangers was taken away."
)
DOCX = (
    "This report is in the archive as HTML, as PDF and as DOCX. The last is for editing: what is "
    "changed in a copy of it is no longer under the signature."
)
LIMITS = (
    "People who were not recorded, turned away, were hidden or appeared too small cannot be found: "
    "the absence of a candidate does not show that a person was not there.",
    "Twins and others who look alike can reach any score. Error rates of face recognition differ "
    "between groups of people (NISTIR 8280); the figures given were not measured on every group.",
    "A time without a remark is the recorded one, as the camera's clock or the catalogue states "
    "it; that clock may be wrong, and no one has noted by how much.",
    "Scores belong to one model profile, its calibration and its scale. They cannot be compared "
    "with those of another.",
)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a warning, paragraphs, a table, pictures or a sketch."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()  # the first row holds the headings; lines are a list
    widths: tuple[float, ...] = field(default=(), repr=False)  # of the columns, relative
    pictures: tuple[tuple[bytes, str], ...] = field(default=(), repr=False)  # JPEG and caption
    sketch: Sketch | None = None
    warning: str = ""  # shown in red, before the paragraphs


def sections(dossier: Dossier) -> list[Section]:
    """Write the sections of a case's report, in order; HTML and PDF show the same."""
    return [
        _case(dossier),
        _authorisations(dossier),
        _result(dossier),
        _where(dossier),
        Section("When", (f"Times are in {dossier.zone.key}.",), sketch=dossier.times),
        _searches(dossier),
        _candidates(dossier),
        _method(dossier),
        _error_rates(dossier),
        _notes(dossier),
        _watched(dossier),
        Section("Limits", LIMITS),
        _sources(dossier),
        _this_report(dossier),
    ]


def _case(dossier: Dossier) -> Section:
    case, request = dossier.case, dossier.case.request
    facts = [
        ("", ""),
        ("Reference", case.reference),
        ("Title", request.title),
        ("Purpose", request.purpose),
        ("Legal basis", request.legal_basis),
        ("Authorised by", f"{request.authority} ({case.authorisation or 'not yet'})"),
        ("Urgent", request.urgent),
        ("Requested by", f"{case.asked_by}, {dossier.local(case.asked_at)}"),
        ("Responsible", "" if case.responsible == case.asked_by else case.responsible),
        ("Approved by", ", ".join(case.approved_by) or "no one"),
        ("Confirmed by", case.confirmed_by),
        ("Beyond the limits", "; ".join(case.exceeds)),
        ("Area", request.district.name),
        ("Cameras whose place is not known", ", ".join(request.unplaced)),
        ("Footage", f"{dossier.local(request.start)} to {dossier.local(request.end)}"),
        ("Valid", f"{dossier.local(request.valid_from)} to {dossier.local(request.valid_until)}"),
        ("Status", case.status(dossier.made_at)),
        ("Subject", request.subject.description if request.subject else ""),
    ]
    stated = request.subject.provenance if request.subject else ()
    facts += [(f"Photograph {n}", provenance_words(one)) for n, one in enumerate(stated, start=1)]
    return Section(
        "Case",
        table=tuple(row for row in facts if row[1] or not row[0]),
        widths=(1, 4),
        pictures=tuple((jpeg, f"Subject, {n}") for n, jpeg in enumerate(dossier.photographs, 1)),
        warning=" ".join(notices_of(case, zone=dossier.zone)),
    )


def _authorisations(dossier: Dossier) -> Section:
    """Tell each request, as what was searched earlier was by the one that counted then."""
    rows = [("When", "Who", "What", "Request", "Contents")]
    for step in dossier.steps:
        counts = "; it counts from then on" if step.counts else ""
        rows.append(
            (
                dossier.local(step.at),
                step.account,
                f"{step.words}{counts}",
                str(step.number),
                step.contents(dossier.zone) if step.is_request else "",
            )
        )
    return Section(
        "Requests and approvals",
        ("A change counts once it is approved; until then, the request before it does.",),
        tuple(rows),
        (2, 1.2, 2.4, 1, 5),
    )


def _where(dossier: Dossier) -> Section:
    unplaced = [
        f"{number}: {sighting.camera.words()}."
        for number, sighting in sightings_of(dossier.findings).items()
        if sighting.camera.place is None
    ]
    words = "Sightings that cannot be drawn:"
    return Section("Where", (words, *unplaced) if unplaced else (), sketch=dossier.places)


def _result(dossier: Dossier) -> Section:
    sightings = sum(finding.item.outcome == "sighting" for finding in dossier.findings)
    summary = (
        f"Searches: {len(dossier.searches)}. Candidates considered: {len(dossier.findings)}. "
        f"Sightings among them: {sightings}. {LEAD}"
    )
    if dossier.waiting:
        summary += f" {unfinished(dossier.waiting)}"
    moved = sum(
        finding.candidate is not None and is_outside(finding.candidate, dossier.steps)
        for finding in dossier.findings
    )
    warning = (
        f"{moved} of the candidates were seen outside the authorised time, by a correction of "
        "their clocks that was made after they had been found."
    )
    return Section("Result", (summary,), warning=warning if moved else "")


def _searches(dossier: Dossier) -> Section:
    rows = [("When", "Who", "District", "Time searched", "Threshold", "Candidates",
             "Tracklets compared")]  # fmt: skip
    marks = dossier.scale_marks
    for one in dossier.searches:
        rows.append(
            (
                dossier.local(one.at),
                one.account,
                one.district,
                " to ".join(dossier.local(datetime.fromisoformat(t)) for t in (one.start, one.end)),
                one.threshold_words(marks.get(one.scale, "")),
                one.candidates_words,
                "not recorded" if one.compared is None else f"{one.compared:,}",
            )
        )
    return Section(
        "Searches",
        (f"Refused searches: {dossier.refused}.",) if dossier.refused else (),
        tuple(rows),
        (2.2, 1.2, 2, 3.2, 1.3, 1.4, 1.4),
    )


def _candidates(dossier: Dossier) -> Section:
    rows = [("", "Camera", "Seen", "Score", "Outcome", "Conclusions")]
    marks = dossier.scale_marks
    for finding in dossier.findings:
        seen = finding.candidate
        decisions = [
            f"{d.examiner}, {dossier.local(d.at)}: {d.words}. {d.reason} ({d.seen})"
            for d in finding.item.decisions
        ]
        rows.append(
            (
                str(finding.number),
                seen.camera.words() if seen else "deleted",
                _seen(seen, dossier) if seen else "deleted",
                ""
                if finding.item.score is None
                else f"{finding.item.score:.3f}{marks[finding.item.scale]}",
                finding.item.outcome,
                "; ".join(decisions) or "none yet",
            )
        )
    return Section(
        "Candidates and decisions",
        _about_list(dossier),
        tuple(rows) if dossier.findings else (),
        (0.5, 2.2, 2.4, 0.8, 1.5, 4),
        tuple(
            (finding.candidate.shot_jpeg, f"{finding.number}: {finding.item.outcome}")
            for finding in dossier.findings
            if finding.candidate is not None
        ),
    )


def unfinished(waiting: int) -> str:
    """Say that a review goes on, and what is left out meanwhile."""
    faces = "1 face waits" if waiting == 1 else f"{waiting} faces wait"
    return (
        f"The review is not finished: {faces} for decisions. The faces that wait, and all entries "
        "of the record about opinions, the review, notes and what was shown, are left out, so "
        "that no one who has still to decide learns of scores, fillers or decisions. Export again "
        "when it is finished."
    )


def _about_list(dossier: Dossier) -> tuple[str, ...]:
    if dossier.waiting:
        return (unfinished(dossier.waiting),)
    return () if dossier.findings else ("No candidate was put on the review list.",)


def _seen(candidate: Candidate, dossier: Dossier) -> str:
    note = candidate.time.remark(dossier.zone)
    told = [dossier.local(candidate.first_seen), *([note] if note else [])]
    if is_outside(candidate, dossier.steps):
        told.append("OUTSIDE the authorised time since the clock was corrected")
    return "; ".join(told)


def _method(dossier: Dossier) -> Section:
    profile, threshold = dossier.profile, dossier.threshold
    weights = "; ".join(f"{name} {sha256}" for name, sha256 in profile.weights)
    model = (
        f"Model profile {profile.name} ({profile.fingerprint}): detector {profile.detector}, "
        f"recogniser {profile.recogniser}, alignment {profile.alignment}, metric {profile.metric}, "
        f"templates of {profile.dimension} numbers. Weights (SHA-256): {weights}"
    )
    default = (
        f"Recommended threshold {threshold.score:g}, set on {threshold.calibration}. The threshold "
        f"of each search is given with it. Scores are of the scale {threshold.scale}: "
        f"{PLAIN if threshold.scale == PLAIN_SCALE else NORMALISED}"
        if threshold
        else "This profile has no calibration and no recommended threshold: how many other people "
        "reach a score is not known."
    )
    method = [METHOD, BLIND if dossier.in_service else NOT_BLIND]
    method += [FILLERS] if dossier.fillers else []
    return Section("Method and model", (" ".join(method), model, default))


def _error_rates(dossier: Dossier) -> Section:
    heading = "Known error rates of the examiners"
    if dossier.waiting:
        return Section(heading, ("They are given when the review of the case is finished.",))
    if not dossier.error_rates:
        words = "How often these examiners take another person for the subject was not measured."
        return Section(heading, (words,))
    rows = [("Examiner", "Fillers", "Wrong", "Rate (95 % interval)")]
    for rate in dossier.error_rates:
        low, high = rate.interval
        share = f"{rate.rate:.1%} ({low:.1%} to {high:.1%})"
        rows.append((rate.reviewer, str(rate.fillers), str(rate.wrong), share))
    words = (
        f"Fillers on this case's list: {dossier.fillers}. How often each examiner took a filler, "
        "a face known to be another person's, for the subject, over all cases whose review is over:"
    )
    return Section(heading, (words,), tuple(rows), (2, 1, 1, 2))


def _notes(dossier: Dossier) -> Section:
    rows = [("Written", "By", "About", "Note"), *note_rows(dossier.notes, dossier.local)]
    none = "Left out until the review is finished." if dossier.waiting else "None was written."
    if not dossier.notes:
        return Section("Notes and markers", (none,))
    return Section("Notes and markers", table=tuple(rows), widths=(2, 1.2, 3, 4))


def _watched(dossier: Dossier) -> Section:
    watched = dossier.watched
    if watched is None:
        return Section("Footage shown", ("Left out until the review is finished.",))
    rows = [
        ("Recording", "Camera", "From", "To", "Shown", "By", "When"),
        *viewing_rows(watched.viewings, dossier.local),
    ]
    table = tuple(rows) if watched.viewings else ()
    return Section("Footage shown", (watched.words,), table, (2, 1, 2, 2, 1.4, 1, 2))


def _sources(dossier: Dossier) -> Section:
    rows = ((s.file, s.camera_id, s.indexed_sha256, s.state_text) for s in dossier.sources)
    if not dossier.sources:
        return Section("Source recordings", ("None: this report shows no candidate.",))
    words = ["Each was hashed when it was indexed, and again for this report."]
    if dossier.tracks:
        named = "; ".join(
            "the film's own metadata" if track == FILM else track for track in dossier.tracks
        )
        words.append(
            "Some cameras moved. Each of their candidates was seen within 50 m of the place that "
            f"is given, by these tracks: {named}."
        )
    return Section(
        "Source recordings",
        tuple(words),
        (("Recording", "Camera", "SHA-256 when indexed", "Now"), *rows),
        (2, 1, 4, 2),
    )


def _this_report(dossier: Dossier) -> Section:
    head = (
        f"Made {dossier.local(dossier.made_at)} by {dossier.made_by}. Last entry of the audit "
        f"record (its head): {dossier.head}. Keep this line elsewhere: it exposes any later change "
        "to the record before this report."
    )
    shots = any(finding.candidate for finding in dossier.findings)
    return Section("This report", (head, in_words(dossier.clips, shots=shots), DOCX))
