"""``sightline models``: the weights of detectors and recognisers."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from workbench.cli.options import add_action, add_actions, add_json, describe
from workbench.cli.output import DONE, download_progress, lines, say, show, table
from workbench.errors import ModelError
from workbench.faces.imported import imported_table
from workbench.faces.sources import WEIGHTS
from workbench.faces.weights import ModelRow, fetch, import_file, models_table
from workbench.settings import load_settings


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
    rows = _rows()
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


def _rows() -> list[ModelRow]:
    home = load_settings().models
    return models_table(home) + imported_table(home)


def _show(options: argparse.Namespace) -> int:
    rows = [row for row in _rows() if row.name.lower() == options.name.lower()]
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
    with download_progress() as progress:
        weights = fetch(options.name, load_settings().models, progress=progress)
    for weight in weights:
        say(f"{weight.file} is now on this machine. Its licence: {weight.licence}.")
    return DONE


def _import(options: argparse.Namespace) -> int:
    home = load_settings().models
    if options.profile is None:
        weight = import_file(options.file, home)
        what, licence = f"{weight.file} of {weight.model}", weight.licence
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
        what, licence = f"The profile {own.name}", own.licence
    say(f"{what} is now on this machine. Its licence: {licence}.")
    return DONE


def _remove(options: argparse.Namespace) -> int:
    from workbench.faces.importing import remove_network

    remove_network(options.name, load_settings().models)
    say(f"The profile {options.name} was removed.")
    return DONE
