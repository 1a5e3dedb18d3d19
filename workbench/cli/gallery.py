"""``sightline gallery``: look after a gallery; calls of ``workbench.gallery``."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.output import lines, say, show, table

if TYPE_CHECKING:
    from workbench.domain import Progress
    from workbench.faces.models import Models
    from workbench.gallery import Gallery

DONE, PROBLEMS = 0, 1


def add_commands(commands: Any) -> None:
    """Add ``gallery`` to the subparsers of ``sightline``."""
    parser = commands.add_parser("gallery", help="look after a gallery: check, copy, merge")
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")

    def action(name: str, command: Any, words: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = actions.add_parser(name, help=words)
        made.add_argument("gallery", type=Path, metavar="FILE")
        made.add_argument("--json", action="store_true")
        made.set_defaults(command=command)
        return made

    action("info", _info, "what it holds")
    action("check", _check, "read every byte of it and say what is wrong")
    action("compact", _compact, "merge its small segments")
    out = action("export", _export, "write it, or the recordings of a scope, as Parquet files")
    out.add_argument("--to", type=Path, required=True, metavar="FOLDER", dest="folder")
    out.add_argument(
        "--district", type=Path, metavar="FILE.geojson", help="with --from and --until"
    )
    out.add_argument("--from", dest="start", metavar="ISO8601")
    out.add_argument("--until", dest="end", metavar="ISO8601")
    into = action("import", _import, "add what export wrote")
    into.add_argument("folder", type=Path, metavar="FOLDER")
    older = action("migrate", _migrate, "bring one of an earlier Sightline to the present schema")
    older.add_argument("--keep", type=Path, metavar="FILE", help="where the old file stays")
    anew = action("reembed", _reembed, "make its templates anew, with another profile")
    anew.add_argument("--profile", required=True, metavar="NAME")
    anew.add_argument(
        "--catalogue",
        type=Path,
        metavar="CATALOGUE_DIR",
        help="from the footage itself; by default from the stored pictures of faces",
    )
    anew.add_argument("--to", type=Path, metavar="FILE", help="the new gallery, beside the old")
    anew.add_argument("--swap", action="store_true", help="it takes the old one's name in the end")
    anew.add_argument("--keep", type=Path, metavar="FILE", help="with --swap: where the old stays")
    other = action("merge", _merge, "add all of another gallery of the same profile")
    other.add_argument("other", type=Path, metavar="OTHER_FILE")


def _info(options: argparse.Namespace) -> int:
    from workbench.installation import Installation

    with Installation.open().open_gallery(options.gallery) as gallery:
        facts = _facts(gallery)
    if options.json:
        lines([facts])
        return DONE
    listed = table("what", "how many")
    for name, value in facts.items():
        listed.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else value)
    show(listed)
    return DONE


def _facts(gallery: Gallery) -> dict[str, Any]:
    span = gallery.time_span()
    entries = [segment.entry for segment in gallery.segments]
    return {
        "profile": gallery.profile.name,
        "fingerprint": gallery.profile.fingerprint,
        "cameras": len(gallery.places.ids),
        "recordings": sum(entry.recordings for entry in entries),
        "tracklets": sum(entry.tracklets for entry in entries),
        "searchable": sum(entry.templates for entry in entries),
        "segments": len(entries),
        "bytes": sum(entry.bytes for entry in entries),
        "from": span[0].isoformat() if span else None,
        "until": span[1].isoformat() if span else None,
    }


def _check(options: argparse.Namespace) -> int:
    from workbench.gallery.lifecycle import check
    from workbench.installation import Installation

    with Installation.open().open_gallery(options.gallery) as gallery:
        problems = list(check(gallery))
    if options.json:
        lines({"where": problem.where, "what": problem.what} for problem in problems)
    for problem in problems:
        say(f"{problem.where}: {problem.what}")
    if not problems:
        say("Every file is as it was written, and all parts agree.")
    return PROBLEMS if problems else DONE


def _compact(options: argparse.Namespace) -> int:
    from workbench.installation import Installation

    with Installation.open().open_gallery(options.gallery, write=True) as gallery:
        gallery.compact()
        return _tell(options, "segments", len(gallery.segments))


def _export(options: argparse.Namespace) -> int:
    from workbench.district import from_file
    from workbench.domain import Scope, parse_time
    from workbench.errors import GalleryError
    from workbench.gallery.lifecycle import export
    from workbench.installation import Installation

    given = (options.district, options.start, options.end)
    if any(given) and not all(given):
        raise GalleryError(
            "a scope needs --district, --from and --until",
            where="export",
            fix="Give all three, or none for the whole gallery",
        )
    scope = None
    if options.district:
        times = (parse_time(text, where="time range") for text in given[1:])
        scope = Scope(from_file(options.district), *times)
    with Installation.open().open_gallery(options.gallery) as gallery:
        return _tell(options, "exported", export(gallery, options.folder, scope=scope))


def _import(options: argparse.Namespace) -> int:
    from workbench.gallery.lifecycle import exported_profile, import_into
    from workbench.installation import Installation

    profile = exported_profile(options.folder)
    with Installation.open().gallery_for_writing(options.gallery, profile) as gallery:
        return _tell(options, "imported", import_into(gallery, options.folder))


def _reembed(options: argparse.Namespace) -> int:
    from workbench.errors import GalleryError
    from workbench.gallery.replacement import replace
    from workbench.installation import Installation

    path: Path = options.gallery
    beside = options.to or path.with_name(f"{path.stem}.{options.profile}{path.suffix}")
    if options.keep and not options.swap:
        raise GalleryError("--keep goes with --swap", where="reembed", fix="Give both, or none")
    installation = Installation.open()
    models = installation.load_models(options.profile)
    with installation.open_gallery(path) as old:
        finished = old.profile.fingerprint == models.profile.fingerprint
        if finished and not (options.swap and beside.exists()):
            raise GalleryError(
                f"has the templates of {models.profile.name}",
                where=str(path),
                fix="Name another profile",
            )
        if not finished:
            with installation.gallery_for_writing(beside, models.profile) as new:
                facts = _embedded_anew(options, old, new, models)
            lines([facts])
            if not options.swap:
                say(f"The new gallery is {beside}; {path} is as it was.")
    if options.swap:
        memory_mb = installation.settings.search_memory_mb
        replace(path, beside, keep=options.keep, memory_mb=memory_mb)
        say(f"{path} has the templates of {models.profile.name} now.")
    return DONE


def _embedded_anew(
    options: argparse.Namespace, old: Gallery, new: Gallery, models: Models
) -> dict[str, Any]:
    if options.catalogue:
        from workbench.indexing import index_catalogue
        from workbench.indexing.workers import available_cores

        report = index_catalogue(options.catalogue, new, models, workers=available_cores())
        return {status: report.count(status) for status in ("indexed", "present", "refused")}
    from workbench.indexing.reembedding import reembed

    def show_progress(progress: Progress) -> None:
        say(f"{progress.done:,} of {progress.total:,} recordings")

    return asdict(reembed(old, new, models, progress=show_progress))


def _migrate(options: argparse.Namespace) -> int:
    from workbench.gallery.migration import migrate

    return _tell(options, "recordings", migrate(options.gallery, keep=options.keep))


def _merge(options: argparse.Namespace) -> int:
    from workbench.gallery.lifecycle import merge
    from workbench.installation import Installation

    installation = Installation.open()
    with (
        installation.open_gallery(options.other) as other,
        installation.open_gallery(options.gallery, write=True) as gallery,
    ):
        return _tell(options, "merged", merge(gallery, other))


def _tell(options: argparse.Namespace, what: str, count: int) -> int:
    if options.json:
        lines([{what: count}])
    else:
        say(f"{what}: {count:,}")
    return DONE
