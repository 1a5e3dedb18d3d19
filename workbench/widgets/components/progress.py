"""A bar that says what is being done, how much of it, and about how much longer."""

from __future__ import annotations

import time

from workbench.domain import length_words
from workbench.widgets.components.parts import escaped
from workbench.widgets.components.tasks import Tasks, remaining


def progress_bar(model: Tasks) -> str:
    """HTML of a bar and words: what is being done, how much of it, and about how much longer."""
    progress = model.progress
    doing = escaped(model.doing)
    if model.cancelling:
        return f"<progress></progress> Cancelling: {doing}"
    if progress is None or not progress.total:
        return f"<progress></progress> {doing}"
    done, total = progress.done, progress.total
    left = remaining(done, total, time.monotonic() - model.begun)
    estimate = "" if left is None else f", about {length_words(round(max(left, 1)))} more"
    return (
        f'<progress value="{done}" max="{total}"></progress> {doing}: '
        f"{100 * done // total}%{estimate}"
    )
