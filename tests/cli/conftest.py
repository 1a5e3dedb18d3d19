"""Commands, called in this process."""

from __future__ import annotations

import pytest
from commands import Run, Said

from workbench.cli.main import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """``run("search", …)``: the exit status of a command, and what it says on both streams."""

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return Said(status, *capsys.readouterr())

    return run
