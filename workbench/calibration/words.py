"""Rates, counts and likelihood ratios in the words that people read."""

from __future__ import annotations

import math


def describe_curve(photographs: int, quality: float | None) -> str:
    """Describe the probes and tracklets of a curve: ``2 photographs, shots of quality 0.6 …``."""
    words = "1 photograph" if photographs == 1 else f"{photographs} photographs"
    return words if quality is None else f"{words}, shots of quality {quality:g} and better"


def format_rate(value: float) -> str:
    """Write a rate as people read it: ``3%``, ``0.5%``, ``1 in 20,000``."""
    if math.isnan(value):
        return "unknown"
    if value <= 0:
        return "0%"
    if value >= 0.0095:
        return f"{value:.0%}" if value < 0.99 or value >= 0.995 else f"{value:.1%}"
    if value >= 0.00095:
        return f"{value:.1%}"
    return f"1 in {float(f'{1 / value:.2g}'):,.0f}"


def format_count(number: float) -> str:
    """Write a mean count to two digits: ``0.04``, ``3.1``, ``480``, ``12,000``."""
    if number <= 0:
        return "0"
    rounded = float(f"{number:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.2g}" if rounded >= 0.01 else "< 0.01"


def format_expected(mean: float) -> str:
    """Write how many wrong faces to expect, as often as it happens: ``about 1 … in 20 such …``."""
    if mean < 1e-4:
        return "fewer than 1 wrong face in 10,000 such searches"
    if mean >= 0.95:
        number = format_count(mean)
        return f"about {number} wrong face{'' if number == '1' else 's'} in such a search"
    if mean > 0.6:
        return f"about {10 * mean:.0f} wrong faces in 10 such searches"
    return f"about 1 wrong face in {float(f'{1 / mean:.1g}'):,.0f} such searches"


def format_likelihood_ratio(ratio: float) -> str:
    """Write a likelihood ratio in words: ``5,400 times likelier``, ``20 times less likely``."""
    if ratio > 1e9 or ratio < 1e-9:
        return f"more than 1e9 times {'likelier' if ratio > 1 else 'less likely'}"
    by = format_count(max(ratio, 1 / ratio))
    if by == "1":
        return "no likelier and no less likely"
    return f"{by} times {'likelier' if ratio >= 1 else 'less likely'}"
