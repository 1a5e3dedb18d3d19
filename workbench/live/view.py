"""Faces and maps in a notebook: shown while its kernel runs, and never part of the saved file.

A notebook is saved by whatever shows it: JupyterLab, a hub's, VS Code, nbclient, papermill. A hook
of one server's contents manager would see few of these files, and clearing outputs relies on people
who remember to. So what must not be saved must not be part of what a front end *can* save:

- an output is saved as the kernel sent it, so the outputs here hold a sentence and the number of a
  widget's model;
- the state of widgets is saved where that is switched on (JupyterLab's "Save widget state", and
  nbclient by default): every trait that is synchronised. So the only one here is that sentence;
- what is left are custom messages between a view and the kernel, which no front end keeps. The
  browser asks for the content when a view is drawn, and the kernel answers to it alone.

Opened again, or with another kernel, the notebook shows the sentence until the cell is run again.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import anywidget
from traitlets import Unicode

from workbench.maps.offline import OfflineMap, save_map, self_contained_html

MOST_ASKED = 100  # pictures in one message

PicturesOf = Callable[[Sequence[str]], Mapping[str, bytes]]
"""Find the JPEGs of those of some ids that may be shown."""


class LiveView(anywidget.AnyWidget):
    """Content that a browser asks the kernel for, and that is no part of the widget's state.

    Parameters
    ----------
    sentence : str
        What stands in its place where there is no kernel to ask, and in the saved notebook.
    content : callable
        Returns what the browser draws, as ``live.js`` takes it; called for each view.
    pictures_of : callable, optional
        Gives the pictures that a map asks for when a popup is opened.
    """

    _esm = Path(__file__).with_name("live.js")
    _css = Path(__file__).with_name("live.css")
    sentence = Unicode("").tag(sync=True)

    def __init__(
        self,
        sentence: str,
        content: Callable[[], Mapping[str, Any]],
        *,
        pictures_of: PicturesOf | None = None,
    ) -> None:
        super().__init__(sentence=sentence)
        self._content, self._pictures_of = content, pictures_of
        self.on_msg(self._asked)

    def __repr__(self) -> str:
        return f"<{self.sentence}>"

    def _ipython_display_(self, **_: Any) -> None:
        """Show the sentence, and below it the view.

        Two outputs: where the view's model is gone, JupyterLab says "model not found" in the place
        of the second, and the first says why.
        """
        from IPython.display import display

        page = f"<p><small>{html.escape(self.sentence)}</small></p>"
        show: Callable[..., None] = display
        show({"text/html": page, "text/plain": self.sentence}, raw=True)
        bundle = self._repr_mimebundle_()
        shown = bundle[0] if isinstance(bundle, tuple) else bundle or {}
        view = {kind: data for kind, data in shown.items() if kind.startswith("application/")}
        show({"text/plain": "", **view}, raw=True)

    def _asked(self, _: object, message: dict[str, Any], __: object) -> None:
        ids = message.get("pictures")
        if message.get("ask") == "content":
            self.send({**self._content(), "view": str(message.get("view", ""))})
        elif isinstance(ids, list) and self._pictures_of is not None:
            asked = [one for one in ids if isinstance(one, str)][:MOST_ASKED]
            found = {name: data_uri(jpeg) for name, jpeg in self._pictures_of(asked).items()}
            self.send({"kind": "pictures", "pictures": found})


@dataclass(frozen=True, slots=True)
class ShownFace:
    """A picture of a face with what is said below it."""

    jpeg: bytes = field(repr=False)
    title: str
    lines: tuple[str, ...] = ()


class LiveFaces(LiveView):
    """Faces side by side: photographs of the target first, then what resembles them.

    Parameters
    ----------
    sentence : str
    photographs, faces : callable
        Return the pictures; called when they are drawn, each time.
    notices : sequence of str
        What must be said with them.
    """

    def __init__(
        self,
        sentence: str,
        *,
        photographs: Callable[[], Sequence[ShownFace]] = tuple,
        faces: Callable[[], Sequence[ShownFace]],
        notices: Sequence[str] = (),
    ) -> None:
        def content() -> Mapping[str, Any]:
            rows = [[_drawn(one) for one in row] for row in (photographs(), faces())]
            return {"kind": "faces", "rows": [r for r in rows if r], "notices": [*notices]}

        super().__init__(sentence, content)


class LiveMap(LiveView):
    """A map that is shown while the notebook runs, and can be saved as one file.

    Parameters
    ----------
    sentence : str
    drawn : OfflineMap
    pictures_of : callable, optional
        As for :class:`LiveView`.
    save : callable, optional
        Writes the file, for a map that takes more than writing it.
    check : callable, optional
        Called before the map is shown, each time; raises where it may not be.
    """

    def __init__(
        self,
        sentence: str,
        drawn: OfflineMap,
        *,
        pictures_of: PicturesOf | None = None,
        save: Callable[[Path], None] | None = None,
        check: Callable[[], object] = lambda: None,
    ) -> None:
        page = self_contained_html(drawn)

        def content() -> Mapping[str, Any]:
            check()
            return {"kind": "map", "page": page}

        self._save = save or (lambda path: save_map(path, drawn))
        super().__init__(sentence, content, pictures_of=pictures_of)

    def save(self, path: Path | str) -> None:
        """Write the map as one self-contained HTML file.

        Raises
        ------
        MapError
            If the file cannot be written.
        NotPermitted
            If the map is of a search under a case, and the user may not export.
        """
        self._save(Path(path))


class ChartStyle(anywidget.AnyWidget):
    """Makes what Plotly draws in a notebook as light or dark as JupyterLab; is never displayed."""

    _esm = "export default {};"
    _css = Path(__file__).with_name("charts.css")

    _sent: ClassVar[ChartStyle | None] = None

    @classmethod
    def deliver(cls) -> None:
        """Give the page of this kernel the style sheet, unless it has it."""
        if cls._sent is None or cls._sent.comm is None:  # as Widget.close_all() leaves it
            cls._sent = cls()


def data_uri(jpeg: bytes) -> str:
    """Return a JPEG as the address of an image."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"


def _drawn(face: ShownFace) -> dict[str, Any]:
    drawn = asdict(face)
    return {**drawn, "jpeg": data_uri(face.jpeg)}
