"""Rendered pages, and the states of their widgets in the order in which they can be made known."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from html.parser import HTMLParser
from typing import Any

VIEW = "application/vnd.jupyter.widget-view+json"
Message = dict[str, Any]

_REFERENCE = re.compile(r"IPY_MODEL_(\w+)")


class RenderedPage(HTMLParser):
    """Kernel and views that a rendered page names: ``kernel_id`` and ``views``."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.kernel_id, self.views = "", list[str]()
        self._kind = ""
        self._parts: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a script is for."""
        if tag == "script":
            given = dict(attrs)
            self._kind = given.get("id") or given.get("type") or ""
            self._parts = []

    def handle_data(self, data: str) -> None:
        """Keep the text of a script."""
        self._parts.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Read the script that has ended, if it is one of the two that matter."""
        if tag != "script":
            return
        if self._kind == "jupyter-config-data":
            self.kernel_id = str(json.loads("".join(self._parts)).get("kernelId", ""))
        elif self._kind == "application/vnd.voila.cell-output+json":
            data = json.loads("".join(self._parts)).get("data", {})
            if VIEW in data:
                self.views.append(str(data[VIEW]["model_id"]))
        self._kind = ""


def widgets_in_order(message: Message) -> Iterator[tuple[str, Message, list[bytes]]]:
    """Yield the widgets of a message of states, each after those that it refers to.

    Of widgets that refer to each other in a circle, one comes first without what is not known yet,
    and again at the end with it.
    """
    data = message["content"]["data"]
    states: dict[str, Message] = {name: one["state"] for name, one in data["states"].items()}
    buffers: dict[str, list[tuple[list[Any], bytes]]] = {name: [] for name in states}
    for path, content in zip(data["buffer_paths"], message["buffers"], strict=True):
        buffers[path[0]].append((path[2:], content))
    refers = {name: _references(state) & states.keys() - {name} for name, state in states.items()}
    later: list[tuple[str, str]] = []  # widget, and the part of its state that waits

    def without_circles() -> list[str]:
        while True:
            try:
                return [*TopologicalSorter(refers).static_order()]
            except CycleError as error:
                # The widget that comes second in the circle is needed by the first, or the other
                # way round: one reference has to wait.
                needed, user = error.args[1][0], error.args[1][1]
                refers[user] = refers[user] - {needed}
                later.extend((user, key) for key, value in states[user].items()
                             if needed in _references(value))  # fmt: skip

    def made(name: str, wanted: Callable[[str], bool]) -> tuple[str, Message, list[bytes]]:
        own = [(path, content) for path, content in buffers[name] if wanted(path[0])]
        state = {key: value for key, value in states[name].items() if wanted(key)}
        paths = [path for path, _ in own]
        return name, {"state": state, "buffer_paths": paths}, [content for _, content in own]

    order = without_circles()
    waiting = set(later)
    for name in order:
        yield made(name, lambda key, name=name: (name, key) not in waiting)  # type: ignore[misc]
    for name in dict.fromkeys(name for name, _ in later):
        yield made(name, lambda key, name=name: (name, key) in waiting)  # type: ignore[misc]


def _references(value: Any) -> set[str]:
    """Ids of the widgets that a part of a state refers to."""
    if isinstance(value, str):
        found = _REFERENCE.fullmatch(value)
        return {found[1]} if found else set()
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return set[str]().union(*map(_references, value))
    return set()
