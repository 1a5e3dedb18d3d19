"""Photographs of the target: compared, switched off, taken from footage."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.target import SearchTargetPanel

Probe = Callable[[int], bytes]


def told(panel: SearchTargetPanel) -> str:
    words = [box.words.value for box in panel.photographs.children]
    return " ".join([*words, panel.together.value])


def test_photographs_of_one_person_agree(asked: Investigation, probe: Probe) -> None:
    asked.add_photographs([(f"{n}.jpg", probe(n)) for n in (1, 2, 3)])
    assert asked.agreement.groups == ((0, 1, 2),)
    assert asked.agreement.apart == ()
    panel = SearchTargetPanel(asked)
    assert told(panel).count("Looks like the same person as the others.") == 3
    asked.use_photograph(asked.uploads[2].key, False)
    assert told(panel).count("Looks like the same person as the others.") == 3
    for upload in asked.uploads[:2]:
        asked.use_photograph(upload.key, False)
    assert "Looks like" not in told(panel)  # there are no others


def test_a_photograph_that_was_turned_says_so(
    asked: Investigation, probe: Probe, portrait: Path
) -> None:
    scan = io.BytesIO()
    Image.open(portrait).rotate(180).save(scan, "PNG")
    asked.add_photographs([("scan.png", scan.getvalue()), ("1.jpg", probe(1))])
    panel = SearchTargetPanel(asked)
    turned, upright = (box.words.value for box in panel.photographs.children)
    assert "It stood on its head and was turned upright." in turned
    assert "Quality: good" in turned
    assert "turned" not in upright


def test_a_photograph_of_somebody_else_is_named(
    asked: Investigation, probe: Probe, somebody_else: Path
) -> None:
    asked.add_photographs(
        [("1.jpg", probe(1)), ("<b>other</b>.jpg", somebody_else.read_bytes()), ("2.jpg", probe(2))]
    )
    panel = SearchTargetPanel(asked)
    assert asked.agreement.apart == (1,)
    assert "&lt;b&gt;other&lt;/b&gt;.jpg looks like a different person" in panel.together.value
    assert told(panel).count("Looks like someone else.") == 1

    asked.use_photograph(asked.uploads[1].key, False)
    assert asked.agreement.apart == ()
    assert "looks like a different person" not in panel.together.value
    assert "Switched off: not used." in told(panel)
    assert told(panel).count("Looks like someone else.") == 1
    assert told(panel).count("Looks like the same person as the others.") == 2


def test_of_photographs_of_two_people_both_are_flagged(
    asked: Investigation, probe: Probe, somebody_else: Path
) -> None:
    asked.add_photographs([("1.jpg", probe(1)), ("2.jpg", somebody_else.read_bytes())])
    panel = SearchTargetPanel(asked)
    assert asked.agreement.apart == (0, 1)
    assert "These look like 2 different people: 1.jpg / 2.jpg" in panel.together.value


def test_what_is_switched_off_is_not_searched_for(asked: Investigation, probe: Probe) -> None:
    asked.add_photographs([(f"{n}.jpg", probe(n)) for n in (1, 2)])
    asked.set_district(asked.whole_area())
    panel = SearchTargetPanel(asked)
    asked.search()
    assert asked.result is not None
    assert len(asked.result.probe.photographs) == 2
    assert "changed since the search" not in panel.changed.value

    switch = panel.photographs.children[1].children[1].children[1].children[0]
    switch.value = False  # as the browser sets it
    assert asked.is_stale
    assert "The photographs have changed since the search." in panel.changed.value
    asked.search()
    assert [one.name for one in asked.result.probe.photographs] == ["1.jpg"]
    assert "changed since the search" not in panel.changed.value
    assert np.array_equal(asked.result.probe.template, asked.uploads[0].photograph.template)

    asked.use_photograph(asked.uploads[0].key, False)
    asked.search()
    assert asked.messages["target"] == "Switch on at least one photograph."


def test_a_best_shot_becomes_a_photograph_of_the_target_and_is_on_record(
    asked: Investigation, probe: Probe
) -> None:
    panel = SearchTargetPanel(asked)
    assert panel.shot.layout.display == "none"
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.search()
    first, second = asked.shown
    asked.selected = second.tracklet_id
    assert panel.shot.layout.display == ""
    panel.shot.click()
    taken = asked.uploads[1]
    assert taken.photograph is not None
    assert taken.photograph.jpeg == second.shot_jpeg
    face = taken.photograph.face.box
    height, width = taken.found.image.shape[:2]
    assert 0 <= face.x < face.x + face.width <= width
    assert 0 <= face.y < face.y + face.height <= height
    assert panel.shot.layout.display == "none"  # it is among them now

    asked.search()
    assert asked.shown[0].score > first.score
    folder = asked.installation.register.folder
    last = [entry for entry in entries(folder) if '"probe.taken"' in entry][-1]
    assert second.tracklet_id in last


def test_a_best_shot_of_another_case_is_not_offered(asked: Investigation, probe: Probe) -> None:
    panel = SearchTargetPanel(asked)
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.search()
    asked.selected = asked.shown[0].tracklet_id
    asked.case = ""
    assert panel.shot.layout.display == "none"
    asked.take_shot(asked.selected, case="none at all")
    assert "no such case" in asked.messages["target"]
    assert len(asked.uploads) == 1


def entries(folder: Path) -> list[str]:
    return (folder / "audit.log").read_text(encoding="utf-8").splitlines()
