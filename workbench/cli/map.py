"""``sightline map``: search, and write the candidates as one HTML map."""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.casework.reviewing.exports import exportable, facts_of, record_export
from workbench.cli.options import add_json, describe
from workbench.cli.output import DONE, lines, say
from workbench.cli.search import add_question, ask, notes_of, show_result
from workbench.installation import Installation
from workbench.maps.offline import save_page, self_contained_html
from workbench.maps.sightings import sightings_map
from workbench.maps.zones import zone_of_cameras


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline map``."""
    describe(
        parser,
        _map,
        "Search as `sightline search` does, and write the candidates as a map in one HTML file "
        "that needs no other file and no network.",
        """
        sightline map --case A-1 --gallery town.duckdb --probe a.jpg --district centre.geojson --from 2026-03-31T18:00:00+01:00 --to 2026-03-31T19:00:00+01:00 --output map.html
        """,  # noqa: E501 - one line, as it is typed
    )
    add_question(parser)
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE.html", help="the file to write"
    )
    add_json(parser)


def _map(options: argparse.Namespace) -> int:
    installation = Installation.open()
    register, chosen = installation.register, installation.settings
    register.require("evidence.export", options.case)
    result = ask(options, installation)
    zone = zone_of_cameras(result.cameras, override=chosen.zone)
    kept = exportable(register, result.case, result.candidates, zone=zone, missing=result.missing)
    drawn = sightings_map(
        kept.candidates,
        confirmed=kept.confirmed,
        rejected=kept.rejected,
        cameras=result.cameras,
        district=result.scope.district,
        zone=zone,
        base_map=chosen.base_map,
        tiles=chosen.tiles,
        tiles_attribution=chosen.tiles_attribution,
        facts=facts_of(
            register, result.case, kept.candidates,
            scope=result.scope, zone=zone, threshold=result.threshold or "all",
            confirmed=kept.confirmed,
        ),
        notices=kept.notices,
    )  # fmt: skip
    page = self_contained_html(drawn)
    ids = [candidate.tracklet_id for candidate in kept.candidates]
    record_export(
        register, result.case, ids, form="html", content=page.encode(), file=options.output
    )
    save_page(options.output, page)
    if options.json:
        notes = notes_of(result.probe.notes, kept.notices)
        lines([{"map": str(options.output), "candidates": len(kept.candidates)} | notes])
    else:
        show_result(result)
        others = [notice for notice in kept.notices if notice not in result.notices]  # said already
        say(*others, f"Map written to {options.output}; that is on record under {result.case}")
    return DONE
