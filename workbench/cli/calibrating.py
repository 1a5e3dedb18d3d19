"""``sightline calibrate``: what the scores of a profile mean, measured on labelled stills."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.calibration import TARGET_FMR
from workbench.calibration.words import describe_curve, format_rate
from workbench.casework.installing import record_calibration
from workbench.cli.options import add_json, describe
from workbench.cli.output import DONE, counted, lines, say, show, table
from workbench.errors import EvaluationError
from workbench.installation import Installation
from workbench.live import progress as shown_progress

if TYPE_CHECKING:
    from workbench.evaluation.labelled import Labelled


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline calibrate``."""
    describe(
        parser,
        _calibrate,
        "Measure what the scores of a profile mean, on pictures of known people: false and missed "
        "matches at every threshold, and by which scores tracks are split and joined. Without a "
        "calibration a profile has no default threshold. It can be stopped and run again.",
        """
        sightline calibrate staff --profile mobilefacenet --data "badge photographs of 2025" --licence "consent in writing"
        """,  # noqa: E501 - one line, as it is typed
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="one folder of pictures for each person"
    )
    parser.add_argument(
        "--profile", metavar="NAME", help="the model profile; by default that of the settings"
    )
    parser.add_argument(
        "--data",
        required=True,
        metavar="WORDS",
        help="what the pictures are, in words that are read beside each threshold",
    )
    parser.add_argument(
        "--licence",
        required=True,
        metavar="WORDS",
        help="licence of the pictures, or by what right they are used, in words",
    )
    parser.add_argument(
        "--without",
        type=Path,
        metavar="FILE",
        help="a text file with the people to leave out: names of their folders, one a line",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE.json",
        help="where to write it; by default where this installation looks for it",
    )
    parser.add_argument(
        "--replace", action="store_true", help="replace the calibration that there is"
    )
    add_json(parser)


def _calibrate(options: argparse.Namespace) -> int:
    from workbench.evaluation.labelled import calibrate_folder, check_is_new, keep

    installation = Installation.open()
    settings = installation.settings
    installation.register.require("installation.change")
    models = installation.load_models(options.profile)
    name = models.profile.name
    output = options.output or settings.calibrations_folder / f"{name}.json"
    check_is_new(output, replace=options.replace)
    with shown_progress.enrolling() as progress:
        made = calibrate_folder(
            options.folder,
            models,
            data=options.data,
            licence=options.licence,
            cache=settings.evaluation_folder,
            without=_names(options.without),
            progress=progress,
        )
    files = keep(made, models.profile, output=output, home=settings.models, replace=options.replace)
    record_calibration(installation.register, files)
    if options.json:
        lines([_document(made, files)])
    else:
        _show(made)
    for file in files:
        say(f"Written: {file}")
    return DONE


def _names(file: Path | None) -> set[str]:
    if file is None:
        return set()
    try:
        listed = file.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"cannot be read ({error})", where=str(file), fix="Write one name a line"
        ) from None
    return {line.strip() for line in listed if line.strip()}


def _document(made: Labelled, files: list[Path]) -> dict[str, object]:
    calibration, tracks = made.calibration, made.tracks
    return {
        "profile": calibration.profile,
        "fingerprint": calibration.fingerprint,
        "data": calibration.data,
        "people": made.people,
        "pictures": made.pictures,
        "without_face": made.without_face,
        "repeated": made.repeated,
        "thresholds": {
            number: calibration.threshold(photographs=number).score
            for number in calibration.photographs
        },
        "split_below": tracks.split_below if tracks else None,
        "join_from": tracks.join_from if tracks else None,
        "files": [str(file) for file in files],
    }


def _show(made: Labelled) -> None:
    calibration = made.calibration
    found = table("probe", "default threshold", "FNMR there", "95 % interval")
    for number in calibration.photographs:
        threshold = calibration.threshold(photographs=number).score
        missed = calibration.fnmr(threshold, photographs=number)
        ends = f"{format_rate(missed.low)} to {format_rate(missed.high)}"
        found.add_row(
            describe_curve(number, None), f"{threshold:.3f}", format_rate(missed.rate), ends
        )
    show(found)
    say(
        f"Calibrated {calibration.profile} on {calibration.data}: "
        f"{counted(made.pictures, 'picture')} with a face, {made.without_face:,} without, "
        f"{made.repeated:,} left out as copies. The default threshold lets "
        f"{format_rate(TARGET_FMR)} of comparisons of different people by."
    )
    if made.tracks is None:
        say(
            "Too few pictures to measure by which scores tracks are split and joined; they are "
            "neither, unless that is known from elsewhere."
        )
    else:
        say(
            f"Tracks are split below {made.tracks.split_below:g} and joined from "
            f"{made.tracks.join_from:g}, unless the recogniser has figures of its own."
        )
