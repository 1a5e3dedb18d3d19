"""Patterns of known products, each with the public source that its forms were learned from."""

from __future__ import annotations

from workbench.footage.names.pattern import Pattern

KNOWN: tuple[Pattern, ...] = ()
