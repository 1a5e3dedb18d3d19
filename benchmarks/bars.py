"""Bars: figures with what is wanted of them beside, and whether they are so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MISSED = "missed"


def bar(figure: float, *, most: float | None = None, least: float | None = None) -> str:
    """Write a figure with the most or the least that is wanted, and whether it is so."""
    if most is not None:
        word, wanted, holds = "most", most, figure <= most
    else:
        assert least is not None
        word, wanted, holds = "least", least, figure >= least
    return f"{figure:.3g} (at {word} {wanted:g} is wanted: {'ok' if holds else _MISSED})"


def missed(result: Mapping[str, Any]) -> list[str]:
    """Names of the bars, anywhere in a result, that are missed."""
    return [": ".join(names) for names, value in _leaves(result) if value.endswith(f"{_MISSED})")]


def _leaves(result: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, value in result.items():
        if isinstance(value, Mapping):
            yield from (((name, *names), leaf) for names, leaf in _leaves(value))
        else:
            yield (name,), str(value)
