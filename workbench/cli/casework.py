"""``sightline case``, ``people``, ``review``, ``evidence``, ``audit``: calls of ``casework``."""

from __future__ import annotations

import argparse
import dataclasses
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.record.people import ROLES
from workbench.casework.training import TRAINING_NOTICE
from workbench.cli.output import lines, say, show, table

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.evidence.export import ClipMaker
    from workbench.domain import Candidate
    from workbench.gallery import Gallery
    from workbench.installation import Installation

DONE, PROBLEMS = 0, 1


def add_commands(commands: Any) -> None:
    """Add the commands of casework to the subparsers of ``sightline``."""
    _add_case(commands.add_parser("case", help="cases: ask, approve, list, show, close, train"))
    _add_people(commands.add_parser("people", help="who has which role"))
    _add_review(commands.add_parser("review", help="fillers, and how reviewers do on them"))
    _add_evidence(commands.add_parser("evidence", help="what a court can check"))
    _add_purge(commands.add_parser("purge", help="delete what is older than may be kept"))
    _add_audit(commands.add_parser("audit", help="the record of all that was done"))


def _add_case(parser: argparse.ArgumentParser) -> None:
    from workbench.casework.cases import TEMPLATES

    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")

    ask = actions.add_parser("open", help="ask for a case; somebody else approves it")
    _add_reference(ask)
    ask.add_argument(
        "--template",
        required=True,
        choices=sorted(TEMPLATES),
        metavar="NAME",
        help=f"one of {', '.join(sorted(TEMPLATES))}",
    )
    ask.add_argument("--title", default="", metavar="TEXT")
    ask.add_argument("--legal-basis", metavar="TEXT", help="by default that of the template")
    ask.add_argument("--authority", required=True, metavar="TEXT", help="who authorised it")
    ask.add_argument("--authorisation", required=True, metavar="TEXT", help="their reference")
    _add_scope(ask)
    ask.add_argument("--valid-days", type=float, metavar="N", help="by default the template's")
    ask.add_argument("--cameras", type=int, metavar="N", help="most cameras in one search")
    ask.add_argument(
        "--subject",
        type=Path,
        required=True,
        nargs="+",
        action="extend",
        metavar="IMAGE",
        help="photographs of the one person the case is about",
    )
    ask.add_argument("--description", default="", metavar="TEXT", help="of that person")
    ask.add_argument("--profile", metavar="NAME", help="model profile of the galleries to search")
    ask.set_defaults(command=_open)

    listing = actions.add_parser("list", help="all cases")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(command=_list)

    showing = actions.add_parser("show", help="all about one case")
    _add_reference(showing)
    showing.add_argument("--json", action="store_true")
    showing.set_defaults(command=_show)

    approving = actions.add_parser("approve", help="authorise a case somebody else asked for")
    _add_reference(approving)
    approving.set_defaults(command=_approve)

    for name, words, command in (
        ("decline", "refuse a case somebody asked for", _decline),
        ("close", "close a case for good", _close),
    ):
        action = actions.add_parser(name, help=words)
        _add_reference(action)
        action.add_argument("--reason", required=True, metavar="TEXT")
        action.set_defaults(command=command)

    forgetting = actions.add_parser("forget", help="delete the subject of a case that has ended")
    _add_reference(forgetting)
    forgetting.add_argument("--reason", required=True, metavar="TEXT")
    forgetting.set_defaults(command=_forget)

    training = actions.add_parser(
        "training", help="open a case that carries no authority, to learn with"
    )
    _add_reference(training)
    _add_scope(training)
    training.set_defaults(command=_training)


def _add_people(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="accounts and roles, and who you are")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(command=_people)
    for name, words in (("grant", "give a role"), ("revoke", "take a role away")):
        action = actions.add_parser(name, help=words)
        action.add_argument("account", metavar="ACCOUNT")
        action.add_argument(
            "role", choices=ROLES, metavar="ROLE", help=f"one of {', '.join(ROLES)}"
        )
        action.set_defaults(command=_grant, granted=name == "grant", key="")
        if name == "grant":
            action.add_argument("--key", default="", metavar="KEY", help="their public key")
    own = actions.add_parser("key", help="your public key, for the administrator")
    own.set_defaults(command=_key)


def _add_audit(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    checking = actions.add_parser("verify", help="look for changes, removals and reorderings")
    checking.add_argument("--folder", type=Path, metavar="DIR", help="of a copy of the record")
    checking.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="HEAD",
        help="a head kept elsewhere, as exports print it; may be repeated",
    )
    checking.add_argument("--json", action="store_true")
    checking.set_defaults(command=_verify)
    yearly = actions.add_parser("report", help="the figures of a year, by purpose, without names")
    yearly.add_argument("year", type=int, metavar="YEAR")
    yearly.add_argument("--json", action="store_true")
    yearly.set_defaults(command=_report)
    head = actions.add_parser("head", help="the last entry, to be kept elsewhere")
    head.set_defaults(command=_head)


def _add_review(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    adding = actions.add_parser("fillers", help="add faces known to be nobody's subject")
    adding.add_argument("images", type=Path, nargs="+", metavar="IMAGE")
    adding.add_argument("--source", required=True, metavar="TEXT", help="how that is known")
    adding.set_defaults(command=_fillers)
    rates = actions.add_parser("rates", help="how often each reviewer took a filler for a subject")
    rates.add_argument("--json", action="store_true")
    rates.set_defaults(command=_rates)


def _add_evidence(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    exporting = actions.add_parser("export", help="write a case's signed archive")
    _add_reference(exporting)
    exporting.add_argument("--gallery", type=Path, required=True, metavar="FILE")
    exporting.add_argument("--output", type=Path, required=True, metavar="FILE.zip")
    exporting.add_argument(
        "--footage",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="where the recordings are now; by default where they were indexed from",
    )
    exporting.add_argument("--json", action="store_true")
    exporting.set_defaults(command=_export)
    checking = actions.add_parser("verify", help="check an archive; needs nothing but the file")
    checking.add_argument("archive", type=Path, metavar="ARCHIVE")
    checking.add_argument("--key", default="", metavar="FINGERPRINT", help="of the office's key")
    checking.add_argument(
        "--recorded", action="store_true", help="also ask whether this installation made it"
    )
    checking.add_argument("--json", action="store_true")
    checking.set_defaults(command=_check)


def _add_purge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gallery", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--days", type=float, metavar="N", help="keep so many, or the settings' where that is less"
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(command=_purge)


def _add_reference(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reference", metavar="REF")


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--district", type=Path, required=True, metavar="FILE.geojson")
    parser.add_argument("--from", dest="start", required=True, metavar="ISO8601")
    parser.add_argument("--to", dest="end", required=True, metavar="ISO8601")


# --- Cases ------------------------------------------------------------------------------------


def _open(options: argparse.Namespace) -> int:
    from workbench.casework.cases import TEMPLATES, Request
    from workbench.casework.subjects import describe_subject
    from workbench.district import from_file
    from workbench.domain import parse_time
    from workbench.faces.probes import make_probe
    from workbench.installation import Installation

    installation, template = Installation.open(), TEMPLATES[options.template]
    register = installation.register
    register.require("case.ask", options.reference)
    now = datetime.now(UTC)
    days = template.valid if options.valid_days is None else timedelta(days=options.valid_days)
    probe = make_probe(options.subject, models=installation.load_models(options.profile))
    request = Request(
        reference=options.reference,
        purpose=template.purpose,
        title=options.title,
        legal_basis=options.legal_basis or template.legal_basis,
        authority=options.authority,
        authorisation=options.authorisation,
        district=from_file(options.district),
        start=parse_time(options.start, where="--from"),
        end=parse_time(options.end, where="--to"),
        valid_from=now,
        valid_until=now + days,
        cameras=options.cameras,
        subject=describe_subject(
            probe,
            calibrations=register.rules.calibrations,
            description=options.description,
        ),
    )
    case = register.ask(request, subject=probe)
    say(
        f"Case {case.reference} is asked for. Somebody else approves it: "
        f"sightline case approve {case.reference}"
    )
    return DONE


def _training(options: argparse.Namespace) -> int:
    from workbench.district import from_file
    from workbench.domain import Scope, parse_time
    from workbench.installation import Installation

    start = parse_time(options.start, where="--from")
    scope = Scope(from_file(options.district), start, parse_time(options.end, where="--to"))
    case = Installation.open().register.train(options.reference, scope)
    say(f"Case {case.reference} is open. {TRAINING_NOTICE}")
    return DONE


def _list(options: argparse.Namespace) -> int:
    from workbench.installation import Installation

    register = Installation.open().register
    register.require("case.read")
    cases = register.cases()
    if options.json:
        lines(_row(case) for case in cases)
        return DONE
    found = table("reference", "status", "purpose", "title", "asked by", "approved by", "until")
    for case in cases:
        row = _row(case)
        found.add_row(
            row["reference"],
            row["status"],
            row["purpose"],
            row["title"],
            row["asked_by"],
            ", ".join(row["approved_by"]),
            f"{case.request.valid_until:%Y-%m-%d %H:%M} UTC",
        )
    show(found)
    return DONE


def _show(options: argparse.Namespace) -> int:
    from workbench.installation import Installation

    register = Installation.open().register
    register.require("case.read", options.reference)
    case = register.case(options.reference)
    document = {
        **case.request.document(),
        **_row(case),
        "asked_at": case.asked_at.isoformat(),
        "exceeds": list(case.exceeds),
        "reason": case.reason,
    }
    if options.json:
        lines([document])
        return DONE
    found = table("", "")
    for name, value in document.items():
        if value not in (None, "", []):
            found.add_row(name.replace("_", " "), str(value))
    show(found)
    return DONE


def _row(case: Case) -> dict[str, Any]:
    return {
        "reference": case.reference,
        "status": case.status(),
        "purpose": case.request.purpose,
        "title": case.request.title,
        "asked_by": case.asked_by,
        "approved_by": list(case.approved_by),
        "valid_until": case.request.valid_until.isoformat(),
    }


def _approve(options: argparse.Namespace) -> int:
    from workbench.installation import Installation

    case = Installation.open().register.approve(options.reference)
    if case.status() == "asked":
        say(
            f"Case {case.reference} goes beyond the limits ({'; '.join(case.exceeds)}): "
            "a second person must approve it too."
        )
    else:
        say(f"Case {case.reference} is {case.status()}.")
    return DONE


def _decline(options: argparse.Namespace) -> int:
    from workbench.installation import Installation

    Installation.open().register.decline(options.reference, reason=options.reason)
    say(f"Case {options.reference} is declined.")
    return DONE


def _close(options: argparse.Namespace) -> int:
    from workbench.installation import Installation

    Installation.open().register.close(options.reference, reason=options.reason)
    say(f"Case {options.reference} is closed.")
    return DONE


def _forget(options: argparse.Namespace) -> int:
    from workbench.casework.retention import forget_subject
    from workbench.installation import Installation

    count = forget_subject(Installation.open().register, options.reference, reason=options.reason)
    say(f"{count} files of the subject of case {options.reference} are deleted.")
    return DONE


def _purge(options: argparse.Namespace) -> int:
    from workbench.casework.retention import purge, remove_old
    from workbench.installation import Installation

    installation = Installation.open()
    with installation.open_gallery(options.gallery, write=True) as gallery:
        removing = partial(remove_old, gallery)
        done = purge(installation.register, options.gallery, removing, days=options.days)
    if options.json:
        told = {"before": done.before.isoformat(), "removed": dict(done.removed),
                "held": done.held, "subjects": done.subjects}  # fmt: skip
        lines([told])
    say(
        f"{done.removed['recordings']} recordings and {done.removed['tracklets']} tracklets from "
        f"before {done.before:%Y-%m-%d %H:%M} UTC and {done.subjects} subjects are deleted; "
        f"{done.held} tracklets are held by sightings."
    )
    return DONE


# --- Review -----------------------------------------------------------------------------------


def _fillers(options: argparse.Namespace) -> int:
    from workbench.casework.reviewing.review import add_fillers
    from workbench.faces.probes import make_probe
    from workbench.installation import Installation

    installation = Installation.open()
    register = installation.register
    register.require("review.fillers")
    models = installation.load_models()
    faces = [make_probe([path], models=models).photographs[0].jpeg for path in options.images]
    added = add_fillers(register, faces, source=options.source)
    say(f"{len(added)} fillers added.")
    return DONE


def _rates(options: argparse.Namespace) -> int:
    from workbench.casework.reviewing.review import error_rates
    from workbench.installation import Installation

    rates = error_rates(Installation.open().register)
    if options.json:
        lines(
            {"reviewer": r.reviewer, "fillers": r.fillers, "wrong": r.wrong, "interval": r.interval}
            for r in rates
        )
        return DONE
    found = table("reviewer", "fillers", "wrong", "rate", "95 % interval")
    for rate in rates:
        low, high = rate.interval
        share = f"{rate.rate:.1%}"
        found.add_row(
            rate.reviewer, str(rate.fillers), str(rate.wrong), share, f"{low:.1%} to {high:.1%}"
        )
    show(found)
    return DONE


# --- People -----------------------------------------------------------------------------------


def _people(options: argparse.Namespace) -> int:
    from workbench.installation import Installation

    register = Installation.open().register
    me, people = register.me, register.people
    rows = [{"account": name, "roles": sorted(roles)} for name, roles in people.roles.items()]
    if options.json:
        lines(rows)
    else:
        found = table("account", "roles")
        for name, roles in people.roles.items():
            found.add_row(name, ", ".join(sorted(roles)))
        show(found)
    state = "" if people.in_service else " This installation is not in service: training only."
    say(f"You are {me.account} ({', '.join(sorted(me.roles)) or 'no role'}).{state}")
    return DONE


def _grant(options: argparse.Namespace) -> int:
    from workbench.installation import Installation

    people = Installation.open().register.grant(
        options.account, options.role, granted=options.granted, key=options.key
    )
    roles = ", ".join(sorted(people.roles.get(options.account, ()))) or "no role"
    say(f"{options.account} has {roles}.")
    return DONE


def _key(_: argparse.Namespace) -> int:
    from workbench.casework.record.keys import own_key
    from workbench.installation import Installation

    show(own_key(Installation.open().register.me.account))
    return DONE


# --- Evidence ---------------------------------------------------------------------------------


def _export(options: argparse.Namespace) -> int:
    from workbench.casework.evidence.export import export
    from workbench.installation import Installation

    installation = Installation.open()
    with installation.open_gallery(options.gallery) as gallery:
        made = export(
            installation.register,
            options.reference,
            gallery,
            options.output,
            footage=options.footage,
            clip=_clips(gallery, installation),
            zone=installation.settings.zone,
            base_map=installation.settings.base_map,
        )
    if options.json:
        told = {"archive": str(made.path), "files": made.files, "manifest": made.manifest,
                "key": made.fingerprint, "head": str(made.head),
                "changed_sources": list(made.changed_sources)}  # fmt: skip
        lines([told])
    for file in made.changed_sources:
        say(f"{file}: is not the recording that was indexed")
    say(f"{made.files} files in {made.path}\nkey:  {made.fingerprint}\nhead: {made.head}")
    return PROBLEMS if made.changed_sources else DONE


def _clips(gallery: Gallery, installation: Installation) -> ClipMaker:
    """Cuts clips of sightings; the models are loaded for the first one."""

    def clip(sighting: Candidate, source: Path) -> bytes:
        from workbench.faces.clips import redacted_clip

        models = installation.load_models(gallery.profile)
        return redacted_clip(source, gallery.shots(sighting.tracklet_id), models)

    return clip


def _check(options: argparse.Namespace) -> int:
    from workbench.casework.evidence.export import is_recorded
    from workbench.casework.record.signing import verify_archive
    from workbench.casework.register import FOLDER
    from workbench.settings import load_settings

    found = verify_archive(options.archive, key=options.key)
    faults = list(found.faults)
    if options.recorded and not is_recorded(load_settings().home / FOLDER, found.manifest):
        faults.append("the record of this installation names no such export")
    if options.json:
        told = {"sound": not faults, "case": found.case, "made_by": found.made_by,
                "made_at": None if found.made_at is None else found.made_at.isoformat(),
                "head": None if found.head is None else str(found.head),
                "key": found.fingerprint, "files": found.files, "faults": faults}  # fmt: skip
        lines([told])
    else:
        for fault in faults:
            show(fault)
        verdict = "is NOT what was signed" if faults else "is what was signed"
        say(f"{options.archive} (case {found.case}, {found.files} files) {verdict}.")
        say(
            f"Signed with key {found.fingerprint}."
            + ("" if options.key else " Compare it with the one that the office has published.")
        )
    return PROBLEMS if faults else DONE


# --- The record -------------------------------------------------------------------------------


def _verify(options: argparse.Namespace) -> int:
    from workbench.casework.record.audit import AuditLog, verify
    from workbench.casework.record.chain import Head
    from workbench.casework.record.keys import doubts
    from workbench.casework.record.people import read_people
    from workbench.casework.register import FOLDER
    from workbench.settings import load_settings

    folder = options.folder or load_settings().home / FOLDER
    found = verify(folder, pins=[Head.parse(text) for text in options.head])
    # Names are proved by signatures, as far as the people file beside the record knows the keys.
    if not found.faults:
        unsigned = doubts(AuditLog(folder).read_new(), read_people(folder))
        found = dataclasses.replace(found, faults=tuple(unsigned))
    summary = {
        "sound": found.sound,
        "entries": found.entries,
        "head": str(found.head),
        "interrupted_writes": found.torn,
        "faults": [{"line": fault.line, "what": fault.what} for fault in found.faults],
    }
    if options.json:
        lines([summary])
    else:
        for fault in found.faults:
            show(str(fault))
        verdict = "is one unbroken chain" if found.sound else "is NOT what was written"
        say(f"The record of {found.entries} entries {verdict}. Its head: {found.head}")
    return DONE if found.sound else PROBLEMS


def _report(options: argparse.Namespace) -> int:
    from workbench.casework.oversight import Annual, annual
    from workbench.installation import Installation

    rows = [dataclasses.asdict(row) for row in annual(Installation.open().register, options.year)]
    if options.json:
        lines(rows)
        return DONE
    names = [field.name for field in dataclasses.fields(Annual)]
    found = table(*(name.replace("_", " ") for name in names))
    for row in rows:
        found.add_row(*(str(row[name]) for name in names))
    show(found)
    return DONE


def _head(_: argparse.Namespace) -> int:
    from workbench.installation import Installation

    show(str(Installation.open().register.head))
    return DONE
