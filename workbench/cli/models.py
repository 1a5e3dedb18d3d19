"""``sightline models``: the weights of detectors and recognisers."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterable
from pathlib import Path

from workbench.casework.installing import changing_models
from workbench.cli.options import add_action, add_actions, add_json, describe
from workbench.cli.output import DONE, lines, say, show, table
from workbench.errors import ModelError
from workbench.faces.imported import NETWORK, imported_table
from workbench.faces.sources import WEIGHTS, Weight
from workbench.faces.weights import ModelRow, fetch, folder, import_file, models_table
from workbench.footage.files import sha256_of
from workbench.installation import Installation
from workbench.live import progress as shown_progress


def add(parser: argparse.ArgumentParser) -> None:
    """Add ``list``, ``show``, ``fetch`` and ``import``."""
    describe(
        parser,
        None,
        "Weights of face detectors and recognisers. Sightline comes with those of the profile "
        "dlib; others are fetched only when asked for by name. Networks of your own can be "
        "imported with a profile; see docs/networks.md.",
        "sightline models list",
    )
    actions = add_actions(parser)
    listing = add_action(
        actions, "list", _list,
        "all models: kind, state, size, licence",
        "List all models, whether their weights are on this machine, and their licences.",
        "sightline models list",
    )  # fmt: skip
    add_json(listing)
    showing = add_action(
        actions, "show", _show,
        "one model: file, licence, checksum, source",
        "Show everything that is known of one model's weights: file, size, licence, SHA-256 and "
        "where they come from.",
        "sightline models show yunet",
    )  # fmt: skip
    _add_name(showing, "the model, as `sightline models list` names it")
    add_json(showing)
    fetching = add_action(
        actions, "fetch", _fetch,
        "download the weights of one model",
        "Download the weights of one model from the project that publishes them, and check their "
        "content.",
        "sightline models fetch yunet",
    )  # fmt: skip
    names = ", ".join(dict.fromkeys(weight.model for weight in WEIGHTS if not weight.embedded))
    _add_name(fetching, f"one of {names}")
    importing = add_action(
        actions, "import", _import,
        "take over a weight file that was brought by hand, or a network of your own",
        "Take over a weight file that was downloaded elsewhere, for a machine without a network. "
        "It is recognised by its content or its name; .bz2 files are unpacked. With --profile, "
        "take over an ONNX network of your own, after a self-test on the demo's faces.",
        """
        sightline models import arcface_weights.onnx
        sightline models import net.onnx --profile net.toml --accept-licence "MIT, by its README"
        """,
    )  # fmt: skip
    importing.add_argument("file", type=Path, metavar="FILE", help="the weight file or network")
    importing.add_argument(
        "--profile",
        type=Path,
        metavar="FILE.toml",
        help="the profile of a network of your own: checksum, licence, input, alignment, metric",
    )
    importing.add_argument(
        "--accept-licence",
        default="",
        metavar="WORDS",
        help="the licence that the profile states, word for word; without it, it is shown",
    )
    removing = add_action(
        actions, "remove", _remove,
        "remove a network of your own",
        "Remove an imported profile with its network. Galleries that were made with it remain, and "
        "cannot be searched until it is imported again.",
        "sightline models remove mobilefacenet",
    )  # fmt: skip
    _add_name(removing, "the profile, as `sightline models list` names it")


def _add_name(parser: argparse.ArgumentParser, words: str) -> None:
    parser.add_argument("name", metavar="NAME", help=words)


def _list(options: argparse.Namespace) -> int:
    installation = Installation.open()
    installation.require_role()
    rows = _rows(installation)
    if options.json:
        lines(dataclasses.asdict(row) for row in rows)
        return DONE
    found = table("model", "kind", "state", "size", "licence")
    found.columns[-1].max_width = 46  # the whole fits 100 columns in a pipe too
    for row in rows:
        found.add_row(row.name, row.kind, row.state, _size(row), row.licence)
    show(found)
    say("`sightline models show NAME` shows file, checksum and source.")
    return DONE


def _rows(installation: Installation, name: str = "") -> list[ModelRow]:
    home = installation.settings.models
    rows = models_table(home) + imported_table(home)
    return [row for row in rows if not name or row.name.lower() == name.lower()]


def _show(options: argparse.Namespace) -> int:
    installation = Installation.open()
    installation.require_role()
    rows = _rows(installation, options.name)
    if not rows:
        raise ModelError(
            "there is no such model",
            where=f"model {options.name}",
            fix="See `sightline models list`",
        )
    if options.json:
        lines(dataclasses.asdict(row) for row in rows)
        return DONE
    found = table("", "")
    for row in rows:
        for name, value in (
            ("model", row.name),
            ("kind", row.kind),
            ("state", row.state),
            ("file", row.file),
            ("size", _size(row)),
            ("licence", row.licence),
            ("commercial use", _COMMERCIAL[row.commercial]),
            ("SHA-256", ", ".join(row.sha256)),
            ("source", row.source),
            ("trained on", row.training),
            ("self-test", row.self_test),
        ):
            if value:
                found.add_row(name, value)
    show(found)
    return DONE


_COMMERCIAL = {True: "allowed", False: "not allowed", None: "not known"}


def _size(row: ModelRow) -> str:
    return "" if row.size is None else f"{row.size / 1e6:.1f} MB"


def _fetch(options: argparse.Namespace) -> int:
    installation = Installation.open()
    home = installation.settings.models
    with (
        changing_models(installation.register, "fetch", options.name) as done,
        shown_progress.downloading() as progress,
    ):
        weights = fetch(options.name, home, progress=progress)
        done["files"] = _digests(home, weights)
    for weight in weights:
        say(f"{weight.file} is now on this machine. Its licence: {weight.licence}.")
    return DONE


def _import(options: argparse.Namespace) -> int:
    installation = Installation.open()
    home = installation.settings.models
    with changing_models(installation.register, "import", options.file.name) as done:
        if options.profile is None:
            weight = import_file(options.file, home)
            licence, what = weight.licence, f"{weight.file} of {weight.model}"
            done["files"] = _digests(home, [weight])
        else:
            from workbench.demo import demo_town
            from workbench.faces.importing import import_network

            town = demo_town()
            own, tested = import_network(
                options.file,
                options.profile,
                home,
                accepted=options.accept_licence,
                people={**town.photographs, **town.absent},
            )
            say(tested.words())
            licence, what = own.licence, f"The profile {own.name}"
            done |= {"profile": own.name, "files": {NETWORK: own.sha256}}
    say(f"{what} is now on this machine. Its licence: {licence}.")
    return DONE


def _digests(home: Path, weights: Iterable[Weight]) -> dict[str, str]:
    """Return the SHA-256 of files of weights in the model home *home*, by name."""
    return {weight.file: sha256_of(folder(home) / weight.file) for weight in weights}


def _remove(options: argparse.Namespace) -> int:
    from workbench.faces.importing import remove_network

    installation = Installation.open()
    with changing_models(installation.register, "remove", options.name):
        remove_network(options.name, installation.settings.models)
    say(f"The profile {options.name} was removed.")
    return DONE
