"""Layouts and styles of controls: shared while they say the same, and told when they change."""

from __future__ import annotations

from typing import Any

from ipywidgets.widgets import widget as models

from workbench.widgets.components import controls


def told(widget: Any, part: str) -> dict[str, Any]:
    """What the page knows of a part of a control."""
    (reference,) = widget.get_state(part).values()
    model = models._instances[reference.removeprefix("IPY_MODEL_")]
    return {name: value for name, value in model.get_state().items() if name[0] != "_" and value}


def test_what_says_the_same_is_one_model(monkeypatch: Any) -> None:
    one, other = (
        controls.Text(layout={"width": "auto"}),
        controls.Dropdown(layout={"width": "auto"}),
    )
    plain = controls.VBox([one, other])
    assert one.layout.model_id == other.layout.model_id != plain.layout.model_id
    assert told(one, "layout") == {"width": "auto"}
    sent: list[tuple[Any, str]] = []
    for widget in (one, other):
        monkeypatch.setattr(
            widget, "send_state", lambda key, widget=widget: sent.append((widget, key))
        )
    one.layout.display = "none"
    assert sent == [(one, "layout")]
    assert told(one, "layout") == {"width": "auto", "display": "none"}
    assert told(other, "layout") == {"width": "auto"}
    other.layout = {"display": "none", "width": "auto"}
    assert one.layout.model_id == other.layout.model_id
    other.layout.display = None
    other.style.description_width = "40px"
    assert sent[1:] == [(other, "layout"), (other, "layout"), (other, "style")]
    assert told(other, "style") == {"description_width": "40px"}
    assert told(one, "style") == {}


def test_a_model_that_was_closed_is_made_again() -> None:
    one = controls.Button(layout={"width": "123px"})
    first = one.layout.model_id
    models._instances[first].close()
    assert one.layout.model_id != first
    assert told(one, "layout") == {"width": "123px"}
