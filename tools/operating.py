"""The steps of the operators' guide: commands at a terminal, and a team's server behind its hub.

`tools/screenshots.py` makes the pictures of the guide of them. What is shown was really done, in a
folder that is deleted; its places have the names that the guide gives them.
"""

from __future__ import annotations

import html
import io
import os
import pty
import shlex
import struct
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
COLUMNS = 112
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #10191f }}
pre {{ display: inline-block; margin: 0; padding: 14px 18px; color: #e3eaf0; background: #10191f;
       font: 14px/1.4 "DejaVu Sans Mono", monospace; white-space: pre }}
b {{ color: #7fc4e0; font-weight: normal }}
</style><pre>{text}</pre>"""


class Terminal:
    """A terminal, in which commands are typed and what they say stays.

    Parameters
    ----------
    places : dict
        Where folders and addresses of the guide are here, by their names there. Tables are laid
        out for the places here: those of the same length leave them as they would be.
    environment : mapping
        Variables of the service account.
    """

    def __init__(self, places: dict[str, str], environment: Mapping[str, str]) -> None:
        self.places, self._environment = places, environment
        self._text: list[str] = []

    def type(self, line: str) -> str:
        """Type a line, as the guide has it; what the command said."""
        program, *arguments = shlex.split(self._here(line))
        command = {
            "sightline": [sys.executable, "-m", "workbench"],
            "deploy/backup": [str(ROOT / "deploy/backup")],
        }.get(program, [program])
        said = self._there(_say([*command, *arguments], self._environment))
        text = io.StringIO()
        console = Console(file=text, record=True, width=COLUMNS, color_system="truecolor")
        console.print(Text.from_ansi(said), soft_wrap=True)
        shown = console.export_html(inline_styles=True, code_format="{code}").rstrip()
        self._text.append(f"<b>$ {html.escape(line)}</b>\n{shown}".rstrip("\n"))
        return said

    def page(self) -> str:
        """HTML of what stands there; the terminal is empty afterwards."""
        text, self._text = "\n\n".join(self._text), []
        return PAGE.format(text=text)

    def _here(self, text: str) -> str:
        for name, place in self.places.items():
            text = text.replace(name, place)
        return text

    def _there(self, text: str) -> str:
        for name, place in self.places.items():
            text = text.replace(place, name)
        return text


def _say(command: list[str], environment: Mapping[str, str]) -> str:
    """Run a command at a terminal of its own; what stands there when it has ended."""
    ours, its = pty.openpty()
    ioctl(its, TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    with subprocess.Popen(  # noqa: S603 - our own commands
        command, stdin=subprocess.DEVNULL, stdout=its, stderr=its, cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    ):  # fmt: skip
        os.close(its)
        said = b""
        with suppress(OSError):  # the other end is closed
            while content := os.read(ours, 65536):
                said += content
    os.close(ours)
    lines = said.decode().replace("\r\n", "\n").split("\n")
    return "\n".join(line.rpartition("\r")[2] for line in lines).strip("\n")
