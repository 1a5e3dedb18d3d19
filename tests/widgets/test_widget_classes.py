"""Panels are subclasses of ipywidgets' own classes, which have many private methods."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import ipywidgets

import workbench.widgets


def test_no_panel_replaces_a_method_of_ipywidgets() -> None:
    """Else a page fails where ipywidgets calls its own: in a browser, and not without one."""
    replaced, classes = [], 0
    for found in pkgutil.walk_packages(workbench.widgets.__path__, "workbench.widgets."):
        module = importlib.import_module(found.name)
        for name, panel in inspect.getmembers(module, inspect.isclass):
            if panel.__module__ != found.name or not issubclass(panel, ipywidgets.Widget):
                continue
            classes += 1
            above = [base for base in panel.__mro__ if not base.__module__.startswith("workbench")]
            replaced += [
                f"{found.name}.{name}.{method}"
                for method, own in vars(panel).items()
                if inspect.isfunction(own) and not method.startswith("__")
                if any(inspect.isfunction(vars(base).get(method)) for base in above)
            ]
    assert classes > 20
    assert replaced == []
