"""``sightline footage clock``: whether the clocks of cameras were right, and what shows it."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from workbench.casework.clockcorrection import ClockTarget
from workbench.casework.clocks import compare_clock, find_stretch, list_clocks, view_clock
from workbench.cli import clockcorrection
from workbench.cli.options import (
    add_action,
    add_actions,
    add_gallery,
    add_json,
    describe,
)
from workbench.cli.output import DONE, counted, lines, say, show, table
from workbench.errors import SightlineError, unwritten
from workbench.footage.clockpictures import AREAS, read_area
from workbench.footage.clockreading import per_day
from workbench.installation import Installation
from workbench.maps.zones import local_time, zone_of_cameras

if TYPE_CHECKING:
    from datetime import datetime

    from workbench.casework.clocks import RecordedStretch
    from workbench.domain import ClockSetting, Stretch
    from workbench.gallery import Gallery


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline footage clock``."""
    describe(
        parser,
        None,
        "Whether the clocks of cameras were right: look at the clock in the picture, compare it "
        "with the catalogue, and correct times without indexing again. All of it is on record.",
        """
        sightline footage clock pictures gate.mp4 --gallery town.duckdb --area "top right" --output pictures
        sightline footage clock read gate.mp4 --gallery town.duckdb --first 18:04:07 --last 18:24:05 --clock-ahead 0 --how "set by a time server"
        """,  # noqa: E501 - one line, as it is typed
    )
    actions = add_actions(parser)
    _add_list(actions)
    clockcorrection.add_set(actions)
    clockcorrection.add_confirm(actions)
    _add_pictures(actions)
    _add_read(actions)


def _add_list(actions: Any) -> None:
    listing = add_action(
        actions, "list", _list,
        "list recorded and corrected times, uncertainty and doubts",
        "List what each time rests on: the recorded time, the correction, its uncertainty, why it "
        "is not certain, and who found what, how and when. A recording whose clock was set on the "
        "way has a line for each of its stretches. What was set for cameras and folders, also for "
        "what is indexed later, follows.",
        """
        sightline footage clock list --gallery town.duckdb --uncertain
        """,
    )  # fmt: skip
    add_gallery(listing)
    listing.add_argument(
        "--uncertain",
        action="store_true",
        help="only those whose time is not certain and that no one has confirmed or corrected",
    )
    listing.add_argument("--camera", default="", metavar="ID", help="only those of this camera")
    add_json(listing)


def _add_pictures(actions: Any) -> None:
    taking = add_action(
        actions, "pictures", _pictures,
        "write the first and last picture of a recording, pixelated but for the clock",
        "Write the first and the last picture of a recording as PNG files, to read the clock in "
        "them. All but the area of the clock is pixelated, so that no one can be recognised; "
        "without an area, everything is. For analysts, supervisors and administrators; on record.",
        """
        sightline footage clock pictures gate.mp4 --gallery town.duckdb --output pictures
        sightline footage clock pictures gate.mp4 --gallery town.duckdb --area "top right" --output pictures
        """,  # noqa: E501
    )  # fmt: skip
    _add_recording(taking)
    taking.add_argument(
        "--area",
        default="",
        metavar="AREA",
        help=f"where the clock stands: {', '.join(AREAS)}; or left, top, width, height in percent",
    )
    taking.add_argument(
        "--output", type=Path, required=True, metavar="FOLDER", help="the folder to write to"
    )
    taking.add_argument(
        "--footage",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="where the recordings are now; by default where they were indexed from; may be "
        "repeated",
    )
    add_json(taking)


def _add_read(actions: Any) -> None:
    reading = add_action(
        actions, "read", _read,
        "compare what the clock shows with the catalogue",
        "Compare what the clock shows in the first and in the last picture of a recording with "
        "the catalogue: offset, drift and uncertainty. Take the pictures first. The comparison is "
        "kept on record as evidence; nothing is corrected by it without --apply.",
        """
        sightline footage clock read gate.mp4 --gallery town.duckdb --first 18:04:07 --last 18:24:05 --clock-ahead 0 --how "set by a time server"
        sightline footage clock read gate.mp4 --gallery town.duckdb --first 18:04:07 --clock-ahead 95 --clock-uncertainty 1 --how "compared with the speaking clock on 2 April"
        """,  # noqa: E501
    )  # fmt: skip
    _add_recording(reading)
    reading.add_argument(
        "--first",
        required=True,
        metavar="TIME",
        help="what the clock shows in the first picture: 18:04:07 or 2026-03-31 18:04:07, in the "
        "zone of the clock, or with its offset from UTC",
    )
    reading.add_argument(
        "--last",
        default="",
        metavar="TIME",
        help="the same for the last picture; without it, no drift is found",
    )
    reading.add_argument(
        "--zone",
        default="",
        metavar="ZONE",
        help="zone of the clock in the picture, such as Europe/London; by default that of the "
        "settings, else of the camera's place",
    )
    reading.add_argument(
        "--clock-ahead",
        type=float,
        required=True,
        metavar="SECONDS",
        help="how far the clock in the picture was ahead of the true time (negative: behind), as "
        "someone found who compared it with a clock that is right; 0 if it was right",
    )
    reading.add_argument(
        "--clock-uncertainty",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="by how much that may be wrong",
    )
    reading.add_argument("--how", required=True, metavar="TEXT", help="how that is known")
    reading.add_argument(
        "--apply",
        action="store_true",
        help="also correct this stretch of the recording by it; for supervisors and "
        "administrators. For a whole camera, use `sightline footage clock set --compared`",
    )
    add_json(reading)


def _add_recording(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recording", metavar="RECORDING", help="file of the recording as catalogued, or its id"
    )
    add_gallery(parser, "the gallery that holds the recording")
    parser.add_argument(
        "--stretch",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="the stretch that begins at this second, where a recording has several",
    )


def _list(options: argparse.Namespace) -> int:
    installation = Installation.open()
    installation.register.me.require_role()
    with installation.open_gallery(options.gallery) as gallery:
        zone = zone_of_cameras(gallery.cameras(), override=installation.settings.zone)
        found = list_clocks(gallery, camera_id=options.camera, uncertain=options.uncertain)
        settings = [
            one
            for one in gallery.clocks()
            if not options.uncertain and options.camera in ("", one.camera_id)
        ]
    if options.json:
        lines(map(_facts, found))
        lines(map(_setting_facts, settings))
        return DONE
    listed = table(
        "camera", "recording", "from s", "recorded", "time", "± s", "not certain", "found"
    )
    for one in found:
        clock = one.clock
        listed.add_row(
            one.camera_id,
            one.file,
            f"{clock.from_seconds:.1f}",
            _local(one.recorded, zone),
            _local(one.corrected, zone),
            "" if clock.uncertainty_seconds is None else f"{clock.uncertainty_seconds:g}",
            clock.open_doubt,
            _found(clock, zone),
        )
    show(listed)
    for note, number in Counter(one.clock.open_note for one in found).items():
        if note:
            say(f"{counted(number, 'recording')}: {note}.")
    for setting in settings:
        say(f"Also for what is indexed later: {setting.in_words(zone)}.")
    return DONE


def _setting_facts(setting: ClockSetting) -> dict[str, Any]:
    correction = setting.correction
    return {
        "setting_for": setting.given_for,
        "camera_id": setting.camera_id,
        "folder": setting.folder,
        "catalogue": setting.catalogue,
        "since": None if setting.since is None else setting.since.isoformat(),
        "until": None if setting.until is None else setting.until.isoformat(),
        "offset_seconds": setting.offset_seconds,
        "uncertainty_seconds": correction.uncertainty_seconds,
        "found_by": correction.found_by,
        "how": correction.how,
        "found_at": correction.found_at.isoformat(),
    }


def _facts(one: RecordedStretch) -> dict[str, Any]:
    clock = one.clock
    return {
        "recording_id": one.recording_id,
        "file": one.file,
        "catalogue": one.catalogue,
        "camera_id": one.camera_id,
        "from_seconds": clock.from_seconds,
        "recorded": one.recorded.isoformat(),
        "time": one.corrected.isoformat(),
        "offset_seconds": clock.offset_seconds,
        "uncertainty_seconds": clock.uncertainty_seconds,
        "doubt": clock.open_doubt,
        "note": clock.open_note,
        "found_by": clock.found_by,
        "how": clock.how,
        "found_at": None if clock.found_at is None else clock.found_at.isoformat(),
    }


def _found(clock: Stretch, zone: ZoneInfo) -> str:
    """Say who found the offset of a stretch, when and how."""
    if clock.found_at is None:
        return clock.how
    return f"{clock.found_by}, {_local(clock.found_at, zone)}: {clock.how}"


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return local_time(moment, zone, "%Y-%m-%d %H:%M:%S")


def _pictures(options: argparse.Namespace) -> int:
    area = read_area(options.area)
    installation = Installation.open()
    with installation.open_gallery(options.gallery) as gallery:
        view = view_clock(
            installation.register,
            gallery,
            options.recording,
            area=area,
            from_seconds=options.stretch,
            footage=options.footage,
        )
        zone = zone_for(gallery, view.stretch.camera_id, installation)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        written = []
        for word, picture in zip(("first", "last"), view.pictures, strict=False):
            path = options.output / f"{view.stretch.recording_id}-{word}.png"
            path.write_bytes(picture.png)
            written.append((path, picture.seconds))
    except OSError as error:
        what, fix = unwritten(error, fix="Choose another folder")
        raise SightlineError(what, where=str(options.output), fix=fix) from None
    if options.json:
        lines(
            {
                "recording_id": view.stretch.recording_id,
                "file": str(path),
                "seconds": seconds,
                "stated": view.stretch.stated(seconds).isoformat(),
                "entry": view.number,
            }
            for path, seconds in written
        )
        return DONE
    for path, seconds in written:
        stated = view.stretch.stated(seconds).astimezone(zone)
        say(f"{path}: at {seconds:.1f} s; {stated:%Y-%m-%d %H:%M:%S %Z} by the catalogue")
    say("Compare them with `sightline footage clock read`.")
    return DONE


def _read(options: argparse.Namespace) -> int:
    installation = Installation.open()
    with installation.open_gallery(options.gallery) as gallery:
        camera_id = find_stretch(gallery, options.recording, options.stretch).camera_id
        kept, found = compare_clock(
            installation.register,
            gallery,
            options.recording,
            first=options.first,
            last=options.last,
            zone=zone_for(gallery, camera_id, installation, options.zone),
            from_seconds=options.stretch,
            error_seconds=options.clock_ahead,
            error_uncertainty_seconds=options.clock_uncertainty,
            how=options.how,
        )
    if options.json:
        drift = None if found.drift_ppm is None else per_day(found.drift_ppm)
        facts = {"recording_id": kept.recording_id, "from_seconds": kept.from_seconds,
                 "offset_seconds": found.offset_seconds,
                 "uncertainty_seconds": found.uncertainty_seconds,
                 "drift_ppm": found.drift_ppm, "drift_seconds_per_day": drift,
                 "drifts": found.drifts, "entry": kept.number}  # fmt: skip
        lines([facts])
    else:
        say(f"{kept.file}: the catalogue is {found.words()}.")
        say(f"On record as entry {kept.number}.")
    if options.apply:
        options.dry_run = False
        return clockcorrection.apply(
            options,
            installation,
            ClockTarget(recording=kept.recording_id, from_seconds=kept.from_seconds, alone=True),
            offset=kept.offset_seconds,
            how=kept.how,
            uncertainty=kept.uncertainty_seconds,
        )
    if not options.json:
        say("No time has been corrected by it.")
    return DONE


def zone_for(
    gallery: Gallery, camera_id: str, installation: Installation, name: str = ""
) -> ZoneInfo:
    """The zone of a camera's clock: the named one, that of the settings, or that of its place."""
    if name:
        try:
            return ZoneInfo(name)
        except (ValueError, KeyError, OSError):
            raise SightlineError(
                f"{name!r} is not a time zone",
                where="--zone",
                fix="Use a name such as Europe/London or UTC",
            ) from None
    cameras = [one for one in gallery.cameras() if one.camera_id == camera_id]
    return zone_of_cameras(cameras, override=installation.settings.zone)
