"""``sightline gallery``: look after a gallery; calls of ``workbench.gallery``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.clockcorrection import bring_in
from workbench.casework.installing import record_calibration
from workbench.casework.ownership import record_copying
from workbench.cli import forgetting, keeping
from workbench.cli.options import (
    Command,
    Renamed,
    add_action,
    add_actions,
    add_json,
    describe,
    read_scope,
)
from workbench.cli.output import DONE, PROBLEMS, lines, say, show, table
from workbench.cli.upgrading import upgrade_gallery
from workbench.errors import GalleryError, gallery_is_there
from workbench.evaluation.own_footage import keep, learn
from workbench.gallery.checking import check
from workbench.gallery.exporting import export
from workbench.gallery.importing import exported_profile, import_into
from workbench.gallery.joining import merge
from workbench.gallery.opening import is_gallery
from workbench.gallery.replacing import is_unfinished, replace, settle_names
from workbench.indexing import index_catalogue
from workbench.indexing.reembedding import reembed
from workbench.indexing.workers import available_cores
from workbench.installation import Installation
from workbench.live import progress as shown_progress

if TYPE_CHECKING:
    from workbench.calibration import Normaliser
    from workbench.faces.models import Models
    from workbench.gallery import Gallery
    from workbench.gallery.adopting import Arrival


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline gallery``."""
    describe(
        parser,
        None,
        "Look after a gallery: what it holds, whether it is intact, copies, other profiles.",
        "sightline gallery info town.duckdb",
    )
    actions = add_actions(parser)

    def action(
        name: str, command: Command, line: str, description: str, example: str
    ) -> argparse.ArgumentParser:
        made = add_action(actions, name, command, line, description, example)
        made.add_argument("gallery", type=Path, metavar="FILE", help="the gallery")
        add_json(made)
        return made

    action(
        "info", _info,
        "show what a gallery holds",
        "Show what a gallery holds: profile, cameras, recordings, tracklets, size, time range.",
        "sightline gallery info town.duckdb",
    )  # fmt: skip
    action(
        "check", _check,
        "read every byte of a gallery and report what is wrong",
        "Read every byte of a gallery and report what is wrong. Exit status 1 if anything is.",
        "sightline gallery check town.duckdb",
    )  # fmt: skip
    action(
        "compact", _compact,
        "merge the small parts of a gallery",
        "Merge the small parts of a gallery into larger ones, which are searched faster. Indexing "
        "has that done by itself, now and then.",
        "sightline gallery compact town.duckdb",
    )  # fmt: skip
    _add_export(action)
    bringing = action(
        "import", _import,
        "add what `gallery export` wrote",
        "Add what `sightline gallery export` wrote to a gallery of the same profile, which is "
        "created if there is none.",
        "sightline gallery import town.duckdb parquet",
    )  # fmt: skip
    bringing.add_argument("folder", type=Path, metavar="FOLDER", help="the folder of the export")
    _add_reembed(action)
    action(
        "upgrade", upgrade_gallery,
        "bring a gallery that an earlier Sightline made to this version",
        "Bring a gallery that an earlier Sightline made to this version. No footage is needed, and "
        "nothing is lost. It can be stopped and run again: until it is finished, the gallery is as "
        "it was. It takes as much free disk as the gallery.",
        "sightline gallery upgrade town.duckdb",
    )  # fmt: skip
    learning = action(
        "calibrate", _calibrate,
        "learn from a gallery's footage what its scores mean, without labels",
        "Compare people who are seen together, who are certainly different, and learn how alike "
        "strangers are in this footage. A calibration from labels is checked on them. A profile "
        "without one gets a provisional one from 1,000 pairs on: the share of others who reach a "
        "threshold, with its interval, and not how many true sightings are missed.",
        """
        sightline gallery calibrate town.duckdb
        sightline gallery calibrate town.duckdb --write
        """,
    )  # fmt: skip
    learning.add_argument(
        "--write", action="store_true", help="keep the provisional calibration for searching"
    )
    other = action(
        "merge", _merge,
        "add everything in another gallery of the same profile",
        "Add everything in another gallery of the same profile. The other one is not changed. "
        "Where its corrections of clocks change times here, they are on record first; that is for "
        "supervisors and administrators.",
        "sightline gallery merge town.duckdb other.duckdb",
    )  # fmt: skip
    other.add_argument("other", type=Path, metavar="OTHER_FILE", help="the gallery to add")
    forgetting.add(action)
    keeping.add(action)


def _add_export(action: Callable[..., argparse.ArgumentParser]) -> None:
    writing = action(
        "export", _export,
        "write a gallery, or the recordings of a scope, as Parquet files",
        "Write a gallery as Parquet files, or only the recordings of an area and time range.",
        """
        sightline gallery export town.duckdb --output parquet
        sightline gallery export town.duckdb --output parquet --district centre.geojson --from 2026-03-31T18:00:00+01:00 --to 2026-03-31T19:00:00+01:00
        """,  # noqa: E501 - one line, as it is typed
    )  # fmt: skip
    writing.add_argument(
        "--output", type=Path, metavar="FOLDER", dest="folder", help="the folder to write (needed)"
    )
    writing.add_argument(
        "--district", type=Path, metavar="FILE.geojson", help="area; needs --from and --to"
    )
    writing.add_argument("--from", dest="start", metavar="ISO8601", help="start of the time range")
    writing.add_argument(
        "--to", dest="to", action="append", default=[], metavar="ISO8601",
        help="end of the time range",
    )  # fmt: skip
    # Before, --to was the folder here and --until the time; scripts may still say so.
    writing.add_argument("--until", action=Renamed, now="--to", dest="until")


def _add_reembed(action: Callable[..., argparse.ArgumentParser]) -> None:
    again = action(
        "reembed", _reembed,
        "make the templates again with another profile",
        "Make a new gallery with the templates of another profile, from the stored pictures of "
        "faces or from the footage. The old gallery stays usable until --swap. It can be stopped "
        "and run again.",
        "sightline gallery reembed town.duckdb --profile yunet-dlib --swap",
    )  # fmt: skip
    again.add_argument(
        "--profile",
        required=True,
        metavar="NAME",
        help="the new model profile: dlib, yunet-dlib, an imported one, or DETECTOR+RECOGNISER",
    )
    again.add_argument(
        "--catalogue",
        type=Path,
        metavar="CATALOGUE_DIR",
        help="make them from the footage; by default from the stored pictures of faces",
    )
    again.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the new gallery; by default beside the old one, with the profile in its name",
    )
    again.add_argument("--to", action=Renamed, now="--output", dest="output", type=Path)
    again.add_argument(
        "--swap", action="store_true", help="when finished, give the new gallery the old one's name"
    )
    again.add_argument(
        "--keep", type=Path, metavar="FILE", help="with --swap: where the old gallery is kept"
    )


def _info(options: argparse.Namespace) -> int:
    installation = Installation.open()
    installation.register.me.require_role()
    with installation.open_gallery(options.gallery) as gallery:
        facts = _facts(gallery)
    if options.json:
        lines([facts])
        return DONE
    listed = table("", "")
    for name, value in facts.items():
        listed.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else value)
    show(listed)
    return DONE


def _facts(gallery: Gallery) -> dict[str, Any]:
    span, counts, location = gallery.time_span(), gallery.counts(), gallery.opened.location
    return {
        "profile": gallery.profile.name,
        "fingerprint": gallery.profile.fingerprint,
        "cameras": len(gallery.places.ids),
        "recordings": counts["recordings"],
        "tracklets": counts["tracklets"],
        "searchable": counts["templates"],
        "parts": counts["parts"],
        "bytes": counts["bytes"] + counts["picture_bytes"],
        "from": span[0].isoformat() if span else None,
        "until": span[1].isoformat() if span else None,
        **({} if location.storage == "." else {"storage": location.storage}),
        **({"manifest": "in Postgres"} if location.shared else {}),
    }


def _check(options: argparse.Namespace) -> int:
    installation = Installation.open()
    installation.register.me.require_role()
    with installation.open_gallery(options.gallery) as gallery:
        problems = list(check(gallery))
    if options.json:
        lines({"where": problem.where, "what": problem.what} for problem in problems)
    for problem in problems:
        say(f"{problem.where}: {problem.what}")
    if not problems:
        say("Every file is unchanged, and all parts agree.")
    return PROBLEMS if problems else DONE


def _compact(options: argparse.Namespace) -> int:
    about = {"doing": "compact"}
    with Installation.open().open_gallery(options.gallery, write=True, about=about) as gallery:
        gallery.compact()
        return _report(options, "parts", gallery.counts()["parts"])


def _export(options: argparse.Namespace) -> int:
    folder, end = _folder_and_end(options)
    given = (options.district, options.start, end)
    if any(given) and not all(given):
        raise GalleryError(
            "a scope needs --district, --from and --to",
            where="export",
            fix="Give all three, or none for the whole gallery",
        )
    scope = read_scope(options.district, options.start, end) if end else None
    installation = Installation.open()
    installation.register.require("gallery.export")
    with installation.open_gallery(options.gallery) as gallery:
        wanted = gallery.recordings_inside(scope) if scope else gallery.recordings()["recording_id"]
        record_copying(
            installation.register,
            gallery,
            folder,
            recordings=len(wanted),
            area=scope.district.name if scope else "",
        )
        return _report(options, "exported", export(gallery, folder, scope=scope))


def _folder_and_end(options: argparse.Namespace) -> tuple[Path, str | None]:
    """Return the folder to write and the end of the time range, by their names or those before."""
    folder, end = options.folder, options.until
    for text in options.to:
        if end is None and (folder is not None or _is_time(text)):
            end = text
        elif folder is None:
            say("--to FOLDER is now called --output FOLDER; the old name still works.")
            folder = Path(text)
        else:
            raise GalleryError(
                "more than one end of the time range", where=f"--to {text}", fix="Give one"
            )
    if folder is None:
        raise GalleryError(
            "the folder to write is missing", where="export", fix="Name it with --output FOLDER"
        )
    return folder, end


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _import(options: argparse.Namespace) -> int:
    # Where there is none yet, it is not made for an export that is refused.
    profile = exported_profile(options.folder, check=not gallery_is_there(options.gallery))
    installation = Installation.open()
    about = {"doing": "import", "from": str(options.folder.resolve())}
    with installation.gallery_for_writing(
        options.gallery, profile, action="gallery.maintain", about=about
    ) as gallery:
        came = bring_in(
            installation.register,
            gallery,
            str(options.folder.resolve()),
            lambda agreed: import_into(gallery.writer, options.folder, agreed=agreed),
        )
        return _arrived(options, "imported", came)


def _reembed(options: argparse.Namespace) -> int:
    path: Path = options.gallery
    beside = options.output or path.with_name(f"{path.stem}.{options.profile}{path.suffix}")
    if options.keep and not options.swap:
        raise GalleryError("--keep needs --swap", where="reembed", fix="Give both, or neither")
    installation = Installation.open()
    installation.register.require("gallery.maintain")
    models = installation.load_models(options.profile)
    about = {"doing": "reembed", "from": str(path.resolve())}
    if options.swap:
        settle_names(path, beside)
    with installation.open_gallery(path) as old:
        finished = old.profile.fingerprint == models.profile.fingerprint
        if finished and not (options.swap and is_unfinished(path, beside)):
            raise GalleryError(
                f"has the templates of {models.profile.name}",
                where=str(path),
                fix="Name another profile",
            )
        if not finished:
            with installation.gallery_for_writing(
                beside, models.profile, action="gallery.maintain", about=about
            ) as new:
                normaliser = installation.normaliser(models.profile)
                facts = _reembedded(options, old, new, models, normaliser)
            lines([facts])
            if not options.swap:
                say(f"The new gallery is {beside}; {path} is as it was.")
    if options.swap:
        for each in filter(is_gallery, (path, beside)):
            installation.open_gallery(each, write=True, about={"doing": "swap"}).close()
        replace(path, beside, keep=options.keep)
        say(f"{path} now has the templates of {models.profile.name}.")
    return DONE


def _reembedded(
    options: argparse.Namespace,
    old: Gallery,
    new: Gallery,
    models: Models,
    normaliser: Normaliser | None,
) -> dict[str, Any]:
    if not options.catalogue:
        with shown_progress.reembedding() as progress:
            made = reembed(old, new, models, normaliser=normaliser, progress=progress)
            return asdict(made)
    with shown_progress.indexing() as progress:
        report = index_catalogue(
            options.catalogue,
            new,
            models,
            workers=available_cores(),
            normaliser=normaliser,
            progress=progress,
        )
    return {status: report.count(status) for status in ("indexed", "present", "refused")}


def _calibrate(options: argparse.Namespace) -> int:
    installation = Installation.open()
    folder = installation.settings.calibrations_folder
    installation.register.me.require_role()
    if options.write:
        installation.register.require("installation.change")
    with installation.open_gallery(options.gallery) as gallery:
        lesson = learn(gallery, calibrations=folder)
    if options.json:
        own, made = lesson.own, lesson.provisional
        facts = {name: getattr(own, name) for name in (
            "scale", "pairs", "too_alike", "recordings", "seconds", "missing_hours",
        )}  # fmt: skip
        facts["check"] = lesson.check and asdict(lesson.check)
        facts["thresholds"] = made and {
            number: made.threshold(photographs=number).score for number in made.photographs
        }
        lines([facts])
    else:
        for line in lesson.words():
            say(line)
    if options.write:
        path = keep(lesson, calibrations=folder)
        record_calibration(installation.register, [path])
        say(f"Written to {path}.")
    return DONE


def _merge(options: argparse.Namespace) -> int:
    installation = Installation.open()
    about = {"doing": "merge", "from": str(options.other.resolve())}
    installation.register.require("gallery.maintain")
    with (
        installation.open_gallery(options.other) as other,
        installation.open_gallery(options.gallery, write=True, about=about) as gallery,
    ):
        came = bring_in(
            installation.register,
            gallery,
            str(options.other.resolve()),
            lambda agreed: merge(gallery.writer, other, agreed=agreed),
        )
        return _arrived(options, "merged", came)


def _report(options: argparse.Namespace, what: str, count: int) -> int:
    if options.json:
        lines([{what: count}])
    else:
        say(f"{what}: {count:,}")
    return DONE


def _arrived(options: argparse.Namespace, what: str, came: Arrival) -> int:
    if options.json:
        lines([{what: came.recordings, "corrected": came.corrected, "kept": list(came.kept)}])
        return DONE
    say(f"{what}: {came.recordings:,}")
    if came.corrected:
        say(f"Clocks corrected or confirmed by what was found, on record: {came.corrected:,}")
    for file in came.kept:
        say(
            f"{file}: keeps its times, although a correction may concern it. Its start or offset "
            "is stated otherwise there, a track placed it by its clock, a folder of that name was "
            "corrected for other recordings, or an earlier version read it, whose recorded time "
            "may have been corrected before: see `sightline footage clock list`"
        )
    return DONE
