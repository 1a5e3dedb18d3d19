"""Commands that ask a team's server: the same words and lines as on one machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apiprocess import SCOPE
from commands import Run
from office import Office
from teamserver import TeamServer

import workbench as sl
from workbench.cli.output import DONE, PROBLEMS, REFUSED
from workbench.demo import demo_town
from workbench.district import from_file
from workbench.domain import Scope
from workbench.domain.times import parse_time
from workbench.faces.probes import make_probe
from workbench.gallery import Gallery
from workbench.widgets.investigate.model import Investigation


@pytest.fixture
def team(office: Office, small_town: Path, tmp_path: Path) -> Iterator[TeamServer]:
    server = TeamServer(small_town, tmp_path)
    yield server
    server.stop()


def test_a_case_and_a_search_on_a_server(
    run: Run, team: TeamServer, office: Office, small_town: Path, wanted: tuple[Path, ...],
    tmp_path: Path,
) -> None:  # fmt: skip
    district = tmp_path / "town.geojson"
    district.write_text(json.dumps(SCOPE["district"]))
    where = ["--district", district, "--from", SCOPE["start"], "--to", SCOPE["end"]]

    def at(name: str) -> list[object]:
        token = tmp_path / f"token-of-{name}"
        token.write_text(f"token-of-{name}")
        token.chmod(0o600)
        return ["--server", team.address, "--token-file", token]

    asked = run(
        "case", "request", "A-1", "--template", "missing-person", "--authority", "Prosecutor",
        "--authorisation", "P 1/26", *where, "--subject", *wanted, "--members", "ben", *at("anna"),
        "--source", "album", "--given-by", "the mother",
        "--taken", "2024", "2025", "not known", "--changes", "nothing",
    )  # fmt: skip
    assert asked.status == DONE, asked.err
    listed = run("case", "list", "--json", *at("ben")).lines
    assert [(one["reference"], one["asked_by"]) for one in listed] == [("A-1", "anna")]
    shown = run("case", "approve", "A-1", *at("sara"))
    assert shown.status == PROBLEMS
    digest = shown.err.split("--digest ")[1].split()[0]
    assert run("case", "approve", "A-1", "--digest", digest, *at("anna")).status == REFUSED
    assert run("case", "approve", "A-1", "--digest", digest, *at("sara")).status == DONE

    # One threshold at every door: of the calibration as it is now, also where a page or a server
    # was opened before that was changed.
    office.sit("anna")
    page = Investigation(small_town, installation=office.installation)
    for path in wanted:
        page.add_photograph(path.name, path.read_bytes())
    page.set_district(from_file(district))
    page.start, page.end = parse_time(SCOPE["start"]), parse_time(SCOPE["end"])
    page.case = "A-1"
    told: list[Any] = []
    for calibrations in (None, demo_town().root / "calibrations"):
        if calibrations is not None:
            office.sit("ada")
            assert run("installation", "set", "calibrations", calibrations).status == DONE
            office.sit("anna")
        plain = ["search", "--case", "A-1", "--probe", *wanted, *where, "--json"]
        counts = [len(run(*plain, *door).lines) for door in (at("anna"), ["--gallery", small_town])]
        page.search()
        counts.append(len(page.shown))
        with Gallery.open(small_town) as gallery:
            probe = make_probe(wanted, models=office.installation.load_models(gallery.profile))
            scope = Scope(page.district, page.start, page.end)
            counts.append(len(sl.search(gallery, probe, scope, case="A-1").candidates))
        asked = [e.about for e in office.events("search.asked")[-4:]]
        answered = [e.about["candidates"] for e in office.events("search.answered")[-4:]]
        assert counts == answered == counts[:1] * 4
        (same,) = {(one["threshold"], one["threshold from"], one["scale"]) for one in asked}
        told.append((*same[:2], *counts[:1]))
    (low, _, more), (high, _, fewer) = told
    assert low < high
    assert more > fewer > 0
    assert ["demo" in one[1] for one in told] == [False, True]

    change = ["case", "change", "A-1", "--valid-days", "20", "--title", "Longer"]
    assert run(*change, *at("anna")).status == DONE
    digest = run("case", "approve", "A-1", *at("sara")).err.split("--digest ")[1].split()[0]
    assert run("case", "approve", "A-1", "--digest", digest, *at("sara")).status == DONE
    handed = run("case", "hand-over", "A-1", "ben", "--reason", "leave", *at("anna"))
    assert handed.status == DONE, handed.err
    back = run("case", "hand-over", "A-1", "anna", "--reason", "back", *at("ben"))
    assert back.status == DONE, back.err
    told = [line["what"] for line in run("case", "history", "A-1", "--json", *at("ben")).lines]
    assert told[-4:] == [
        "requested a change of the case", "approved the change",
        "handed the case over to ben: leave", "handed the case over to anna: back",
    ]  # fmt: skip

    question = ["search", "--case", "A-1", "--probe", *wanted, *where, "--top", "3"]
    found = run(*question, "--threshold", "all", "--json", *at("ben"))
    assert found.status == DONE, found.err
    assert [line["rank"] for line in found.lines] == [1, 2, 3]
    own = ["search", "--case", "A-1", "--case-photograph", "all", *where, "--top", "3"]
    same = run(*own, "--threshold", "all", "--json", *at("ben"))
    assert [line["score"] for line in same.lines] == [line["score"] for line in found.lines]
    told = run(*question, *at("ben"))
    assert "A match is a lead, never an identification." in told.err
    assert "Expect about" in told.err
    assert [e.by["account"] for e in office.events("search.asked")[-3:]] == ["ben", "ben", "ben"]
    assert run(*question).status == REFUSED  # neither a gallery nor a server
    assert run("review", "rates", "--json", *at("sara")).out == ""
    assert run("case", "remove-member", "A-1", "ben", *at("anna")).status == DONE
    gone = run("case", "show", "A-1", *at("ben"))
    assert (gone.status, "not one of its members" in gone.err) == (REFUSED, True)
    assert run("case", "close", "A-1", "--reason", "found", *at("anna")).status == DONE
