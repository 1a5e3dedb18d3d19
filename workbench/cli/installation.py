"""``sightline installation``: what the installation is, and the rules that hold in it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from workbench.casework.installing import set_rule
from workbench.cli.options import add_action, add_actions, add_json, describe
from workbench.cli.output import DONE, lines, say, show, table
from workbench.installation import Installation
from workbench.settings import RULES, RuleSettings


def add(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``sightline installation``."""
    describe(
        parser,
        None,
        "What the installation is: in training or in service, and its rules, which are the same "
        "for everyone. The first role that is granted puts it in service, for good.",
        "sightline installation show",
    )
    actions = add_actions(parser)
    showing = add_action(
        actions, "show", _show,
        "show the mode, the id and the rules of the installation",
        "Show the mode, the id and the rules of the installation, and whether the environment sets "
        "rules that do not count.",
        "sightline installation show",
    )  # fmt: skip
    add_json(showing)
    setting = add_action(
        actions, "set", _set,
        "set a rule of the installation",
        "Set a rule of the installation, on record; in service, for administrators. Without a "
        "value, the default holds again.",
        """
        sightline installation set largest_area_km2 10
        sightline installation set retention_days
        """,
    )  # fmt: skip
    setting.add_argument("rule", choices=RULES, metavar="RULE", help=f"one of {', '.join(RULES)}")
    setting.add_argument("value", nargs="?", metavar="VALUE", help="number, or path of a folder")
    taking = add_action(
        actions, "take", _take,
        "take a gallery over, so that it belongs to this installation",
        "Take a gallery over, on record, so that it belongs to this installation and no other "
        "opens it; for administrators. In training, of those of other installations only your own "
        "files can be taken that belong to one in training, as when its home is lost.",
        "sightline installation take town.duckdb",
    )  # fmt: skip
    taking.add_argument("gallery", type=Path, metavar="FILE", help="the gallery")


def _show(options: argparse.Namespace) -> int:
    installation = Installation.open()
    installation.register.me.require_role()
    file, chosen = installation.register.installation_file, installation.settings
    rules = {name: getattr(chosen, name) for name in RULES}
    rules["calibrations"] = str(chosen.calibrations_folder.resolve())
    if options.json:
        lines([{"id": file.id, "mode": file.mode, "rules": rules, "set": sorted(file.rules)}])
    else:
        found = table("", "")
        found.add_row("mode", file.mode)
        found.add_row("id", file.id)
        for name in RULES:
            said = " (set here)" if name in file.rules else ""
            found.add_row(name, f"{rules[name]}{said}")
        show(found)
    if installation.ignored:
        ignored = ", ".join(installation.ignored)
        say(f"Set in the environment, but not followed in service: {ignored}.")
    return DONE


def _take(options: argparse.Namespace) -> int:
    installation = Installation.open()
    installation.take_gallery(options.gallery)
    say(f"{options.gallery} belongs to this installation.")
    return DONE


def _set(options: argparse.Namespace) -> int:
    register = Installation.open().register
    value: object = options.value
    if value is not None and RuleSettings.model_fields[options.rule].annotation in (int, float):
        try:
            value = json.loads(options.value)
        except ValueError:
            value = options.value  # which is refused with the reason
    set_rule(register, options.rule, value)
    now = getattr(Installation.open().settings, options.rule)
    say(f"{options.rule}: {'the default' if now is None else now}")
    return DONE
