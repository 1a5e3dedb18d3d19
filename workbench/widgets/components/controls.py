"""Controls of ipywidgets that share layouts and styles wherever these say the same.

In ipywidgets each control has a layout and a style that are models of their own on a page: more
than half of all models of an investigation, nearly all of which say nothing. Each is sent to the
page and made there before anything is shown. Here those that say the same are one model; a control
whose layout changes refers to another one from then on.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import ipywidgets
from ipywidgets.widgets.trait_types import (
    Date,
    InstanceDict,
    Time,
    date_serialization,
    time_serialization,
)
from ipywidgets.widgets.widget import widget_serialization
from traitlets import HasTraits, observe

_PARTS = {"layout", "style"}
_shared: dict[tuple[Any, ...], Any] = {}


class _Sharing(HasTraits):
    """Mixin of a layout or style without a model of its own: what says the same is one model."""

    def open(self) -> None:
        """Open nothing: the page knows the shared one."""

    @property
    def model_id(self) -> str:
        """Id of the model of all that say the same."""
        kind = type(self).__mro__[2]
        silent = _silent(kind)
        now = {name: getattr(self, name) for name in silent if self.trait_has_value(name)}
        told = {name: value for name, value in now.items() if value != silent[name]}
        key = (kind, *sorted(told.items()))
        known = _shared.get(key)
        if known is None or known.comm is None:  # never made, or closed with all other models
            known = _shared[key] = kind(**told)
        identity: str = known.model_id
        return identity


@cache
def _silent(kind: Any) -> dict[str, Any]:
    """Values of one that says nothing, by the names of its traits."""
    traits = kind.class_traits(sync=True).items()
    return {name: trait.default() for name, trait in traits if not name.startswith("_")}


class _Control(HasTraits):
    """Mixin of a control that tells the page when its layout or style says something else."""

    def open(self: Any) -> None:
        """Open the control, as ipywidgets does, and follow the layout and style that it has."""
        for name in _PARTS & self.traits().keys():
            self._share_anew({"name": name, "new": getattr(self, name)})
        super().open()  # type: ignore[misc]

    @observe(*_PARTS)
    def _share_anew(self: Any, change: Any) -> None:
        tell = {"layout": self._send_layout, "style": self._send_style}
        change["new"].observe(tell[change["name"]])

    def _send_layout(self: Any, _: Any) -> None:
        self.send_state("layout")

    def _send_style(self: Any, _: Any) -> None:
        self.send_state("style")


def _sharing(kind: Any) -> Any:
    """Make a kind of control share its layout, and its style if it has one."""
    traits = {}
    for name in _PARTS & kind.class_traits().keys():
        own = kind.class_traits()[name].klass
        shared = type(own.__name__, (_Sharing, own), {"__module__": __name__})
        traits[name] = InstanceDict(shared).tag(sync=True, **widget_serialization)
    about = {"__module__": __name__, "__doc__": kind.__doc__}
    return type(kind.__name__, (_Control, kind), traits | about)


BoundedFloatText = _sharing(ipywidgets.BoundedFloatText)
BoundedIntText = _sharing(ipywidgets.BoundedIntText)
Box = _sharing(ipywidgets.Box)
Button = _sharing(ipywidgets.Button)
Checkbox = _sharing(ipywidgets.Checkbox)
Combobox = _sharing(ipywidgets.Combobox)
_DatePicker: Any = _sharing(ipywidgets.DatePicker)
Dropdown = _sharing(ipywidgets.Dropdown)
FloatProgress = _sharing(ipywidgets.FloatProgress)
FloatSlider = _sharing(ipywidgets.FloatSlider)
FloatText = _sharing(ipywidgets.FloatText)
HBox = _sharing(ipywidgets.HBox)
HTML = _sharing(ipywidgets.HTML)
IntSlider = _sharing(ipywidgets.IntSlider)
SelectMultiple = _sharing(ipywidgets.SelectMultiple)
Text = _sharing(ipywidgets.Text)
Textarea = _sharing(ipywidgets.Textarea)
_TimePicker: Any = _sharing(ipywidgets.TimePicker)
ToggleButton = _sharing(ipywidgets.ToggleButton)
ToggleButtons = _sharing(ipywidgets.ToggleButtons)
VBox = _sharing(ipywidgets.VBox)


def _date_of(sent: Any, widget: Any) -> date | None:
    try:
        found: date | None = date_serialization["from_json"](sent, widget)
    except (ValueError, OverflowError):
        return None
    return found


class DatePicker(_DatePicker):  # type: ignore[misc]
    """Field of a date, which is empty where people typed a year that Python does not know.

    Browsers take years of six digits, and the field would show another date than the one in use.
    """

    value = Date(None, allow_none=True).tag(
        sync=True, from_json=_date_of, to_json=date_serialization["to_json"]
    )


class TimePicker(_TimePicker):  # type: ignore[misc]
    """Field of a time of day, in which people type digit by digit.

    What is typed is not sent back: the browser writes the same time in more digits, takes what
    comes back for another one, and begins the number anew that is half typed.
    """

    value = Time(None, allow_none=True).tag(sync=True, echo_update=False, **time_serialization)


__all__ = [
    "HTML",
    "BoundedFloatText",
    "BoundedIntText",
    "Box",
    "Button",
    "Checkbox",
    "Combobox",
    "DatePicker",
    "Dropdown",
    "FloatProgress",
    "FloatSlider",
    "FloatText",
    "HBox",
    "IntSlider",
    "SelectMultiple",
    "Text",
    "Textarea",
    "TimePicker",
    "ToggleButton",
    "ToggleButtons",
    "VBox",
]
