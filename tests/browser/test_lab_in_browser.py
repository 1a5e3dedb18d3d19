"""The notebooks in JupyterLab; panels there, under a plain Voila and on a page of the server."""

from __future__ import annotations

import base64
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import plotly.graph_objects as go
import pytest

from workbench.dashboards import packaged_dashboards
from workbench.demo.home import HOME
from workbench.gallery import Gallery

pytestmark = pytest.mark.browser
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
TOKEN = "a-token-of-the-lab-tests"
PLOTLY = "application/vnd.plotly.v1+json"
PICTURES = {PLOTLY, "application/vnd.jupyter.widget-view+json"}
QUESTIONS = ".Toastify__toast, .jp-Dialog"  # the one on news is the first of these
CODE = "from workbench.widgets import investigate\ninvestigate({gallery!r})"

# Of each kind of control one, and what makes it look as it does.
CONTROLS = (
    ".sl-whole", ".sl-case.sl-panel", ".sl-target .sl-heading", ".sl-target .sl-number",
    ".sl-target .sl-hint", ".sl-target .sl-drop", ".sl-target .sl-drop input",
    ".sl-target .sl-drop-button", ".sl-case select", ".sl-case .jupyter-button",
    ".sl-search-button", ".sl-time input", ".sl-district .sl-fold", ".sl-district .sl-heading",
)  # fmt: skip
LOOKS = """(controls) => Object.fromEntries(controls.map((control) => {
  const one = document.querySelector(control), style = getComputedStyle(one);
  const names = ["color", "background-color", "border-top", "border-radius", "font-family",
    "font-size", "font-weight", "line-height", "padding", "margin", "display", "position",
    "opacity", "flex-direction", "white-space", "min-height", "cursor"];
  const seen = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name)]));
  const inside = control.includes("panel") || control.includes("whole");
  return [control, inside ? seen : { ...seen, high: one.getBoundingClientRect().height }];
}))"""
# What is JupyterLab's own, in all its properties.
AROUND = """() => Object.fromEntries([
  "body", "#jp-top-panel", ".jp-Toolbar", ".jp-Notebook", ".jp-MarkdownOutput h1",
  ".jp-MarkdownOutput a", ".jp-OutputArea .jupyter-button", ".jp-OutputArea select",
].map((one) => [one, [...getComputedStyle(document.querySelector(one))].map((name) =>
  `${name}: ${getComputedStyle(document.querySelector(one)).getPropertyValue(name)}`)
  // Custom properties of ours have names of our own, and lengths change with what is shown.
  .filter((said) => !/^(--|block-size|height|width|inline-size|perspective|transform)/.test(said))
]))"""


ON_SERVER = "import workbench as sl\nsl.connect({address!r}, token={token!r}).investigate()"
IS_DARK = (
    "(getComputedStyle(document.querySelector('.sl-panel')).backgroundColor"
    " !== 'rgb(255, 255, 255)')"
)


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that runs: its address without the token, and its notebooks."""

    base: str
    folder: Path

    def open(self, page: Any, name: str) -> None:
        """Open a notebook, as one who has the token."""
        page.goto(f"{self.base}/lab/workspaces/{name}/tree/{name}.ipynb?token={TOKEN}")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        # The kernel is named here once it has answered; what is run before is lost.
        page.locator("#jp-main-statusbar").get_by_text(re.compile(r" \| Idle$")).wait_for()

    def write(self, name: str, *cells: str, kernel: str = "sightline") -> None:
        """Make a notebook of cells of code; one that begins with # is Markdown."""
        v4 = nbformat.v4
        made = [
            v4.new_markdown_cell(cell) if cell.startswith("#") else v4.new_code_cell(cell)
            for cell in cells
        ]
        about = {"kernelspec": {"name": kernel, "display_name": kernel}}
        nbformat.write(v4.new_notebook(cells=made, metadata=about), self.folder / f"{name}.ipynb")


@contextmanager
def running(
    command: list[str], said: str, folder: Path, **settings: str
) -> Iterator[re.Match[str]]:
    """A program, from the line of its output that matches *said* until it is ended."""
    log = folder / f"{Path(command[-1]).name}.log"
    with log.open("w") as output:
        program = subprocess.Popen(
            command, stdout=output, stderr=output, cwd=folder,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | settings,
        )  # fmt: skip
        try:
            for _ in range(600):
                if found := re.search(said, log.read_text()):
                    yield found
                    break
                assert program.poll() is None, log.read_text()
                time.sleep(0.2)
            else:
                raise AssertionError(log.read_text())
        finally:
            program.terminate()
            program.wait(60)


@pytest.fixture(scope="module")
def lab(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """``sightline lab`` on the demo; the notebook about indexing finds one clip not indexed yet."""
    home = demo.parent / HOME  # the demo's own, in which JupyterLab is started
    home.mkdir(0o700, exist_ok=True)
    for part in demo.parent.glob(f"{demo.name}*"):
        for name in (part.name, part.name.replace(demo.stem, "notebook")):
            if part.is_dir():
                shutil.copytree(part, home / name, dirs_exist_ok=True)
            else:
                shutil.copyfile(part, home / name)
    with Gallery.open(home / "notebook.duckdb", write=True) as gallery:
        gallery.purge(gallery.recordings()["recording_id"].iloc[:1])
    folder = tmp_path_factory.mktemp("lab")
    notebooks = folder / "notebooks"
    command = [sys.executable, "-m", "workbench", "lab", "--notebooks", str(notebooks)]
    said = rf"(http://127\.0\.0\.1:\d+)/lab\?token={TOKEN}"
    with running(command, said, folder, SIGHTLINE_TOKEN=TOKEN) as found:
        yield Lab(found[1], notebooks)


def test_the_notebooks_run_from_top_to_bottom_and_ask_no_other_host(
    lab: Lab, demo: Path, visit: Callable[..., Any]
) -> None:
    notebooks = sorted(lab.folder.glob("*.ipynb"))
    assert len(notebooks) >= 3
    seen = visit(lab.base)
    seen.page.goto(f"{lab.base}/lab/workspaces/new?token={TOKEN}")
    card = seen.page.locator(".jp-LauncherCard[data-category=Notebook]", has_text="Sightline")
    card.wait_for()
    seen.screenshot("lab-launcher")
    card.click()
    seen.page.locator("#jp-main-statusbar").get_by_text("Sightline | Idle").wait_for()
    seen.assert_clean()
    buttons: list[str] = []
    for file in notebooks:
        seen = visit(lab.base)
        lab.open(seen.page, file.stem)
        seen.page.get_by_role("menuitem", name="Run", exact=True).click()
        seen.page.get_by_text("Run All Cells", exact=True).click()
        cells = saved(seen.page, file)
        assert [cell for cell in cells if is_wrong(cell)] == []
        outputs = [output for cell in cells for output in cell.outputs]
        assert any(output.output_type == "execute_result" for output in outputs)
        # It begins with something to look at, and shows no figure without anything in it.
        early = [kind for cell in cells[:2] for one in cell.outputs for kind in one.get("data", ())]
        assert PICTURES & {*early}
        figures = [output.data[PLOTLY] for output in outputs if PLOTLY in output.get("data", ())]
        assert [figure["layout"] for figure in figures if is_empty(figure)] == []
        # No face is saved, though faces were shown: see tests/live/test_saved_notebooks.py.
        assert "/9j/" not in json.dumps([outputs])
        assert seen.page.locator(QUESTIONS).all_text_contents() == []
        seen.screenshot(f"lab-{file.stem}")
        for button in seen.page.locator(".modebar-btn").all():
            buttons.append(str(button.get_attribute("data-title")))
            button.dispatch_event("click")
        seen.assert_clean()
    assert len({*buttons}) > 3
    assert [one for one in buttons if re.search("(?i)share|studio|cloud|upload", one)] == []
    made = demo.parent / HOME / "notebook.duckdb"
    with Gallery.open(demo) as whole, Gallery.open(made) as indexed:
        assert len(indexed.recordings()) == len(whole.recordings())


def saved(page: Any, file: Path) -> list[Any]:
    """The cells of code of a notebook, once all have run and the file holds that."""
    for _ in range(240):
        page.keyboard.press("Control+s")
        page.wait_for_timeout(500)
        try:
            cells = [c for c in nbformat.read(file, as_version=4).cells if c.cell_type == "code"]
        except nbformat.reader.NotJSONError:
            continue  # it is being written
        if all(cell.execution_count for cell in cells) or any(is_wrong(cell) for cell in cells):
            return cells
    raise AssertionError(f"{file.name} has not run to its end")


def is_wrong(cell: Any) -> bool:
    """Whether a cell ended in an error, or warned of something."""
    return any(
        output.output_type == "error" or output.get("name") == "stderr" for output in cell.outputs
    )


def is_empty(figure: dict[str, Any]) -> bool:
    """Whether no line, bar or mark of a figure has a point that can be seen."""

    def values(given: Any) -> list[Any]:
        if isinstance(given, dict):  # numbers in Base64
            return np.frombuffer(base64.b64decode(given["bdata"]), given["dtype"]).tolist()
        return given or []

    def has_place(value: Any) -> bool:
        return math.isfinite(value) if isinstance(value, int | float) else value is not None

    def points(trace: dict[str, Any]) -> bool:
        if trace.get("hoverinfo") == "skip" or trace.get("visible", True) is not True:
            return False  # a band alone shows nothing
        pairs = zip(values(trace.get("x")), values(trace.get("y")), strict=False)
        return any(has_place(x) and has_place(y) for x, y in pairs)

    return not any(map(points, figure["data"]))


@pytest.mark.parametrize(
    ("y", "empty"),
    [
        (np.full(3, -np.inf), True),
        (np.array([np.nan, np.inf, -np.inf]), True),
        ([None, math.nan, None], True),
        (np.array([np.nan, 0.5, np.nan]), False),
        ([None, 0.5, None], False),
        (["a camera", None, None], False),
    ],
)
def test_a_figure_without_a_point_of_a_line_is_empty(y: Any, empty: bool) -> None:
    figure = go.Figure(go.Scatter(x=np.arange(6.0), y=np.arange(6.0), hoverinfo="skip"))
    assert is_empty(figure.to_plotly_json())  # a band, and no line
    figure.add_scatter(x=np.arange(3), y=y)
    for shown in (figure.to_plotly_json(), json.loads(figure.to_json())):
        assert is_empty(shown) is empty


def test_a_panel_looks_the_same_in_jupyterlab_under_voila_and_as_it_is_served(
    lab: Lab,
    served: Any,
    small_town: Path,
    training: str,
    shared_data: Callable[[Path], Path],
    visit: Callable[..., Any],
    tmp_path: Path,
) -> None:
    on_server = visit(served.base)
    on_server.page.goto(served.address("investigate"))
    looks = {"server": look(on_server)}

    settings = {"SIGHTLINE_GALLERY": str(small_town), "SIGHTLINE_CASE": training}
    command = [str(Path(sys.executable).with_name("voila")), "--no-browser"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        command += [f"--port={free.getsockname()[1]}"]
    command += ["--template=sightline", str(packaged_dashboards() / "investigate.ipynb")]
    jupyter = str(shared_data(tmp_path) / "jupyter")
    said = r"(http://(?:localhost|127\.0\.0\.1):\d+)/"
    with running(command, said, tmp_path, JUPYTER_PATH=jupyter, **settings) as found:
        under_voila = visit(found[1].replace("localhost", "127.0.0.1"))
        under_voila.page.goto(under_voila.base)
        looks["voila"] = look(under_voila)
        under_voila.screenshot("surface-voila")
        under_voila.page.emulate_media(color_scheme="dark")
        looks["voila, dark"] = look_dark(under_voila, "voila")
        under_voila.assert_clean()
        assert under_voila.page.locator(".sl-lost").count() == 0

    # Light: the same, and JupyterLab around it as it was before.
    others = "import ipywidgets\nipywidgets.VBox([ipywidgets.Button(), ipywidgets.Dropdown()])"
    lab.write("panel", "# A heading\n[a link](.)", others, CODE.format(gallery=str(small_town)))
    in_lab = visit(lab.base, viewport={"width": 1920, "height": 1080})
    lab.open(in_lab.page, "panel")
    run_next(in_lab)
    run_next(in_lab)
    in_lab.page.locator(".jp-OutputArea .jupyter-button").first.wait_for()
    before = in_lab.page.evaluate(AROUND)
    run_next(in_lab)
    looks["lab"] = look(in_lab)
    assert in_lab.page.evaluate(AROUND) == before
    assert in_lab.page.evaluate(CONTRAST, ".sl-whole") == []
    # A page of the server, whose widgets live in a kernel there.
    address, _, token = served.address().partition("?token=")
    lab.write("hub", ON_SERVER.format(address=address, token=token))
    on_hub = visit(lab.base, viewport={"width": 1920, "height": 1080})
    lab.open(on_hub.page, "hub")
    run_next(on_hub)
    looks["hub"] = look(on_hub)
    for surface in ("voila", "lab", "hub"):
        assert differences(looks[surface], looks["server"]) == [], surface
    on_server.screenshot("surface-server")
    in_lab.screenshot("surface-lab")
    on_hub.screenshot("surface-hub")
    on_hub.assert_clean()

    # Dark: as the system is on the server and under Voila, as JupyterLab is there.
    for seen, name in ((on_server, "server"), (in_lab, "lab")):
        seen.page.emulate_media(color_scheme="dark")
        looks[f"{name}, dark"] = look_dark(seen, name)
    in_lab.page.emulate_media(color_scheme="light")
    in_lab.page.wait_for_function(f"!{IS_DARK}")
    # The first choice ends that JupyterLab follows the system, the second one is taken.
    for _ in range(2):
        in_lab.page.get_by_role("menuitem", name="Settings", exact=True).click()
        in_lab.page.locator(".lm-Menu-itemLabel").get_by_text("Theme", exact=True).hover()
        in_lab.page.locator(".lm-Menu-itemLabel").get_by_text("JupyterLab Dark", exact=True).click()
    looks["theme, dark"] = look_dark(in_lab, "lab-theme")
    assert in_lab.page.evaluate("matchMedia('(prefers-color-scheme: light)').matches")
    for surface in ("voila", "lab", "theme"):
        assert differences(looks[f"{surface}, dark"], looks["server, dark"]) == [], surface
    assert differences(looks["server, dark"], looks["server"])
    in_lab.assert_clean()


def run_next(seen: Any) -> None:
    """Run the cell of a notebook that is chosen, and choose the next."""
    item = "[data-jp-item-name=run]"
    seen.page.locator(f"{item} [role=button], {item} button").first.click()


def look_dark(seen: Any, name: str) -> dict[str, Any]:
    """How the controls look once they are dark; they can be read, and a picture is kept."""
    seen.page.wait_for_function(IS_DARK)
    seen.page.locator("#jupyterlab-splash").wait_for(state="detached")
    looks = look(seen)
    seen.screenshot(f"surface-{name}-dark")
    assert seen.page.evaluate(CONTRAST, ".sl-whole") == []
    return looks


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What of the controls looks different."""
    return [
        f"{control} {name}: {value} / {other[control][name]}"
        for control, looks in one.items()
        for name, value in looks.items()
        if value != other[control][name]
    ]


def look(seen: Any) -> dict[str, Any]:
    """How the controls of an investigation look, once all are there."""
    for control in CONTROLS:
        seen.page.locator(control).first.wait_for(state="attached")
    looks: dict[str, Any] = seen.page.evaluate(LOOKS, list(CONTROLS))
    return looks
