"""Comparing and deciding as an analyst does, with mouse and keys, on a real page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from workbench.casework.record.audit import AuditLog
from workbench.casework.reviewing.triage import take_back
from workbench.installation import Installation
from workbench.maps.zones import local_time

pytestmark = pytest.mark.browser
HOSTILE = '<img src=x onerror="window.harm=1"><script>window.harm=1</script>'
MANY = 2_400
NEXT = 4  # cameras that can be reached on foot in ten minutes from where the best was seen


@pytest.fixture(autouse=True)
def nothing_sorted(installation: Installation, training: str) -> None:
    """Take back the opinions of other tests, which stand in the same case."""
    while take_back(installation.register, training) is not None:
        pass


@pytest.fixture(scope="module")
def probe(wanted: tuple[Path, ...]) -> Path:
    return wanted[0]


@pytest.fixture(scope="module")
def crowd(
    installation: Installation,
    small_town: Path,
    probe: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A gallery of many tracklets, each as like the probe as a real one of the town."""
    import numpy as np

    from workbench.domain import IndexedRecording, Recording, Tracklet
    from workbench.faces.probes import make_probe
    from workbench.gallery import Gallery

    models = installation.load_models("dlib")
    template = make_probe([probe], models=models).template
    with Gallery.open(small_town) as gallery:
        cameras = [replace(one, name=HOSTILE) for one in gallery.cameras()]
        tracklets = gallery.tracklets()
        names = tracklets[tracklets["searchable"]]["tracklet_id"]
        shots = [gallery.shots(name)[0] for name in names]
    generator = np.random.default_rng(0)
    start, length = datetime(2026, 3, 28, tzinfo=UTC), timedelta(seconds=8)
    path = tmp_path_factory.mktemp("crowd") / "crowd.duckdb"
    with Gallery.create(path, models.profile) as gallery:
        gallery.add_cameras(cameras)
        recordings = []
        for number, camera in enumerate(cameras):
            seen = []
            for ordinal in range(MANY // len(cameras)):
                at = start + timedelta(seconds=20 * ordinal)
                noise = generator.normal(0, 0.01, template.shape).astype(np.float32)
                shot = shots[(number + ordinal) % len(shots)]
                shot = replace(shot, time=at, seconds=20.0 * ordinal, template=template + noise)
                seen.append(Tracklet(ordinal, at, at + length, 40, (shot,), shot.template))
            file = f"{HOSTILE.replace('/', '')}{number}.mp4"
            recordings.append(
                IndexedRecording(
                    recording=Recording(file, Path(file), camera.camera_id, start),
                    sha256=f"{number:064x}", size_bytes=1, modified_ns=1, seconds=5000.0,
                    width=1920, height=1080, frames_decoded=1, frames_examined=1,
                    faces=len(seen), tracklets=tuple(seen),
                )
            )  # fmt: skip
        gallery.add_recordings(recordings)
    return path


@pytest.fixture
def served_crowd(
    crowd: Path, serving: Any, training: str, demo_calibrations: dict[str, str], tmp_path: Path
) -> Iterator[Any]:
    with serving(crowd, tmp_path, SIGHTLINE_CASE=training, **demo_calibrations) as served:
        yield served


def ask(seen: Any, served: Any, probe: Path) -> Any:
    """Open the dashboard, and search for the probe in all that the case allows."""
    page = seen.page
    page.goto(served.address("investigate"))
    page.locator(".sl-drop-button").first.wait_for()
    with page.expect_file_chooser() as chooser:
        page.locator(".sl-target .sl-drop").click()
    chooser.value.set_files([probe])
    page.locator(".sl-photograph").first.wait_for()
    page.get_by_role("button", name="Use its area and time").click()
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".sl-card").first.wait_for()
    # The page moves the focus to the answer once it is drawn: not while a test moves it.
    page.wait_for_function("document.activeElement.matches('.sl-summary h2')")
    return page


def test_a_candidate_is_compared_and_decided_on_with_keys(
    served: Any, visit: Callable[..., Any], probe: Path
) -> None:
    seen = visit(served.base)
    page = ask(seen, served, probe)
    first = page.locator(".sl-card-open").first
    first.focus()
    page.keyboard.press("Enter")
    comparing = page.locator(".sl-comparing")
    comparing.wait_for()
    comparing.locator(".sl-aligned", has_text="Aligned: the eyes are level").wait_for()
    assert comparing.evaluate("root => root === document.activeElement")
    expect(comparing.locator(".sl-stage img")).to_have_count(2)
    expect(page.locator(".sl-card.sl-selected")).to_have_count(1)
    seen.screenshot("compare-1-side")
    for width in (1280, 1366):  # sliders are whole, beside the pictures or below them
        page.set_viewport_size({"width": width, "height": 768})
        page.wait_for_function(
            """(width) => {
              const root = document.querySelector(".sl-comparing");
              const right = (element) => element.getBoundingClientRect().right;
              return innerWidth === width && [...root.querySelectorAll(".sl-slider output")]
                .every((output) => right(output) < right(root));
            }""",
            arg=width,
        )
        seen.screenshot(f"compare-{width}")

    # Both pairs of eyes lie at the same place of their stages, as they were computed.
    where = [
        image.evaluate("image => new DOMMatrix(getComputedStyle(image).transform).toString()")
        for image in comparing.locator(".sl-stage img").all()
    ]
    assert where[0] != where[1]

    comparing.get_by_role("button", name="Overlay").click()
    comparing.get_by_label("Overlay").wait_for()
    expect(comparing.locator(".sl-figure-target .sl-stage img")).to_have_count(2)
    zoom = comparing.get_by_label("Zoom")
    zoom.focus()
    page.keyboard.press("ArrowRight")  # moves the slider, not on to the next candidate
    comparing.locator("output", has_text="1.1 ×").wait_for()
    assert "1 of 2" in comparing.inner_text()
    seen.screenshot("compare-2-overlay")
    comparing.get_by_role("button", name="Flicker").click()
    over = comparing.locator(".sl-figure-target .sl-stage img").nth(1)
    for opacity in "010":
        page.wait_for_function(
            "([image, opacity]) => image.style.opacity === opacity",
            arg=[over.element_handle(), opacity],
        )
    comparing.get_by_role("button", name="Side by side").click()

    comparing.focus()
    page.keyboard.press("s")
    comparing.get_by_text("2 of 2, score", exact=False).wait_for()
    page.locator(".sl-card", has_text="✓ Same").wait_for()
    page.keyboard.press("n")
    page.locator(".sl-card", has_text="✗ Not same").wait_for()
    page.keyboard.press("z")
    page.locator(".sl-card", has_text="✗ Not same").wait_for(state="detached")
    page.keyboard.press("ArrowLeft")
    comparing.get_by_text("1 of 2, score", exact=False).wait_for()
    page.keyboard.press("z")
    page.locator(".sl-card", has_text="✓ Same").wait_for(state="detached")
    assert "the undo is on record" in comparing.inner_text()

    page.keyboard.press("Escape")
    comparing.wait_for(state="hidden")
    page.wait_for_function("document.activeElement.className === 'sl-card-open'")
    seen.assert_clean()


def test_the_seconds_around_a_candidate_play_and_where_they_can_have_gone_is_asked_next(
    served: Any, visit: Callable[..., Any], probe: Path, installation: Installation
) -> None:
    seen = visit(served.base)
    page = ask(seen, served, probe)
    page.locator(".sl-card-open").first.click()
    page.get_by_role("button", name="Show the seconds around it").click()
    video = page.locator(".sl-film video")
    video.wait_for()
    page.wait_for_function("document.querySelector('.sl-film video').readyState >= 2")
    video.evaluate("film => film.play()")
    page.wait_for_function("document.querySelector('.sl-film video').currentTime > 0.5")
    assert video.evaluate("film => film.duration") > 3
    video.scroll_into_view_if_needed()
    seen.screenshot("compare-3-clip")
    assert "pixelated on purpose" in page.locator(".sl-film").inner_text()

    page.get_by_role("button", name="Follow from here").click()
    following = page.locator(".sl-following")
    minutes = following.get_by_role("spinbutton").nth(1)
    minutes.fill("10")
    minutes.press("Enter")
    expect(following.locator("tbody tr")).to_have_count(NEXT)
    rows = following.locator("tbody").inner_text().split("\n")
    windows = [row.split("\t")[-4:-2] for row in rows]
    following.get_by_role("button", name="Search these next").click()
    following.get_by_text(f"The next question is about {NEXT} cameras").wait_for()
    seen.screenshot("follow-2-next")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_text("No footage: nothing could be searched").wait_for()
    register = installation.register
    *_, asked = AuditLog(register.folder, kinds=("search.asked",)).read_new()
    zone = ZoneInfo("Europe/London")
    told = [local_time(datetime.fromisoformat(asked.about[end]), zone) for end in ("start", "end")]
    assert asked.about["cameras"] == NEXT
    assert told[0] == min(first for first, _ in windows)
    # Windows end at fractions of a second; the question, which must leave none out, at the next.
    shortly_before = datetime.fromisoformat(asked.about["end"]) - timedelta(seconds=1)
    assert max(last for _, last in windows) in {told[1], local_time(shortly_before, zone)}
    seen.assert_clean()


def test_cards_are_sorted_without_opening_them_and_the_keyboard_never_dies(
    served: Any, visit: Callable[..., Any], probe: Path
) -> None:
    seen = visit(served.base)
    page = ask(seen, served, probe)
    cards = page.locator(".sl-card")
    cards.nth(1).hover()
    page.locator(".sl-filmstrip img").nth(1).wait_for()  # the shots that are stored of it
    cards.nth(1).get_by_role("button", name="Play the seconds around").click()
    page.wait_for_function("document.querySelector('.sl-card video')?.currentTime > 0.5")
    expect(cards.nth(1)).to_contain_text("pixelated on purpose. This is on record.")
    seen.screenshot("results-clip")
    page.get_by_role("button", name="Close the clip").click()
    page.wait_for_function("document.activeElement.className === 'sl-card-open'")
    page.locator(".sl-chooser input").nth(0).check()
    page.get_by_text("1 candidate chosen").wait_for()  # the answer sets each box anew
    page.locator(".sl-chooser input").nth(1).check()
    page.get_by_text("2 candidates chosen").wait_for()
    seen.screenshot("results-chosen")
    page.get_by_role("button", name="? Unsure").first.click()
    expect(page.locator(".sl-card", has_text="? Unsure")).to_have_count(2)
    # The button has gone with the choice, and the keyboard is somewhere else.
    page.wait_for_function("document.activeElement.closest('.sl-results') !== null")

    page.locator(".sl-card-open").first.focus()
    page.keyboard.press("s")
    page.locator(".sl-card", has_text="✓ Same").wait_for()
    second = "document.activeElement === document.querySelectorAll('.sl-card-open')[1]"
    page.wait_for_function(second)
    page.keyboard.press("z")
    page.locator(".sl-card", has_text="✓ Same").wait_for(state="detached")
    page.keyboard.press("z")
    page.keyboard.press("z")
    expect(page.locator(".sl-card", has_text="? Unsure")).to_have_count(0)
    page.wait_for_function(AT, arg=0)  # the last that was undone
    use_the_other_keys(page)

    page.locator(".sl-card-open").first.focus()
    page.keyboard.press("Enter")
    comparing = page.locator(".sl-comparing")
    comparing.wait_for()
    comparing.locator(".sl-aligned", has_text="Aligned: the eyes are level").wait_for()
    page.get_by_role("button", name="Show the seconds around it").press("Enter")
    page.wait_for_function("document.querySelector('.sl-film video')?.currentTime > 0.5")
    assert comparing.evaluate("root => root === document.activeElement")
    page.keyboard.press("u")
    page.locator(".sl-card", has_text="? Unsure").wait_for()
    page.keyboard.press("z")
    page.locator(".sl-card", has_text="? Unsure").wait_for(state="detached")
    page.keyboard.press("Escape")
    comparing.wait_for(state="hidden")
    expect(page.locator(".sl-card", has_text="seen").first).to_be_visible()
    seen.assert_clean()


AT = "at => document.activeElement === document.querySelectorAll('.sl-card-open')[at]"


def use_the_other_keys(page: Any) -> None:
    """Press arrows, N, U, X and P on two cards that are undecided, and leave them so."""
    keyboard, cards = page.keyboard, page.locator(".sl-card")
    page.locator(".sl-card-open").first.focus()
    for back, on in (("ArrowLeft", "ArrowRight"), ("ArrowUp", "ArrowDown")):
        keyboard.press(on)  # down there is no row, where both lie side by side
        page.wait_for_function(AT, arg=int(on == "ArrowRight"))
        keyboard.press(back)
        page.wait_for_function(AT, arg=0)
    for key, words in (("n", "✗ Not same"), ("u", "? Unsure")):
        page.locator(".sl-card-open").first.focus()
        keyboard.press(key)
        expect(cards.nth(0)).to_contain_text(words)
        page.wait_for_function(AT, arg=1)  # on to the next
        keyboard.press("z")
        expect(cards.nth(0)).not_to_contain_text(words)
    page.locator(".sl-card-open").first.focus()
    box = page.locator(".sl-chooser input").first
    for checked in (True, False):
        keyboard.press("x")
        expect(box).to_be_checked(checked=checked)
    keyboard.press("p")
    page.wait_for_function("document.querySelector('.sl-card video')?.currentTime > 0")
    page.get_by_role("button", name="Close the clip").press("Enter")
    page.wait_for_function(AT, arg=0)


def settle(page: Any, longest_task: Callable[..., float]) -> None:
    """Wait until nothing has kept the page busy for a second."""
    for _ in range(30):
        if longest_task(lambda: page.wait_for_timeout(1_000)) < 50:
            return
    raise AssertionError("the page does not come to rest")


def test_thousands_are_paged_through_without_a_stall(
    served_crowd: Any, visit: Callable[..., Any], probe: Path, longest_task: Callable[..., float]
) -> None:
    seen = visit(served_crowd.base)
    page = ask(seen, served_crowd, probe)
    where = page.locator(".sl-results [role=status]", has_text=" of ")
    page.get_by_text("1 to 12 of 2,000", exact=False).wait_for()
    # Map and timeline are drawn first, which is not what is measured here.
    page.locator(".sl-timeline .scatterlayer .point").nth(1_999).wait_for(state="attached")
    page.frame_locator(".sl-frame").locator(".sl-plate").first.wait_for(state="attached")
    settle(page, longest_task)

    def leaf(to: str, pages: Iterable[int]) -> None:
        for number in pages:
            page.get_by_role("button", name=to, exact=True).click()
            page.wait_for_function(
                "rank => document.querySelector('.sl-rank')?.textContent === rank",
                arg=str(12 * (number - 1) + 1),
            )
            page.wait_for_timeout(100)

    stall = longest_task(lambda: leaf("Next", range(2, 12)))
    if stall >= 200:  # other programs cost processor time, too: they empty its caches
        leaf("Previous", range(10, 0, -1))
        stall = min(stall, longest_task(lambda: leaf("Next", range(2, 12))))
    print(f"page turns: longest task {stall:.0f} ms")
    assert stall < 200
    assert where.count() >= 1

    page.locator(".sl-card-open").first.focus()
    for key, rank in (("PageDown", "133"), ("PageUp", "121"), ("PageUp", "109")):
        page.keyboard.press(key)
        expect(page.locator(".sl-rank").first).to_have_text(rank)
        page.wait_for_function("document.activeElement.className === 'sl-card-open'")

    sort = page.get_by_label("Sort", exact=True)
    sort.select_option("Earliest first")
    page.get_by_text("of 2,000, earliest first", exact=False).wait_for()
    page.get_by_label("Opinion", exact=True).select_option("Same")
    page.get_by_text("The filters above hide all 2,000 candidates", exact=False).wait_for()
    page.get_by_role("button", name="Show all").click()
    page.locator(".sl-card").nth(11).wait_for()
    page.locator(".sl-results").evaluate("panel => panel.scrollIntoView()")
    seen.screenshot("results-cards")
    page.get_by_role("button", name="Table").click()
    page.locator(".sl-table tbody tr").nth(49).wait_for()
    page.locator(".sl-row-open").first.click()
    page.locator(".sl-comparing").wait_for()
    assert HOSTILE in page.locator(".sl-comparing h3").inner_text()
    page.get_by_role("button", name="Show the seconds around it").click()
    page.locator(".sl-film", has_text="not available here").wait_for()
    page.locator(".sl-candidates .sl-scroll").scroll_into_view_if_needed()
    seen.screenshot("results-table")
    assert page.evaluate("window.harm") is None
    seen.assert_clean()
