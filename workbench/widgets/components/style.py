"""The style sheet of the panels, which goes with them to wherever they are shown."""

from __future__ import annotations

from typing import Any, ClassVar

import anywidget

from workbench.style import PANEL_CLASS, sheet


class Style(anywidget.AnyWidget):
    """Puts the style sheet into the page, as soon as the page knows of it; is never displayed.

    A kernel needs one: the page keeps one sheet, however many kernels send it.
    """

    _esm = "export default {};"
    _css = sheet()

    _sent: ClassVar[Style | None] = None

    @classmethod
    def deliver(cls) -> None:
        """Give the pages of this kernel the sheet, unless they have it."""
        if cls._sent is None or cls._sent.comm is None:  # as Widget.close_all() leaves it
            cls._sent = cls()


def styled(widget: Any) -> Any:
    """Let a widget and all that it holds look as panels do; return it."""
    Style.deliver()
    widget.add_class(PANEL_CLASS)
    return widget
