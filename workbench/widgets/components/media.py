"""Pictures and clips on their way to the browser: shown, and no part of what is saved.

A notebook is saved with the state of its widgets where that is switched on (JupyterLab's "Save
widget state", and nbclient by default): every trait that is synchronised. So none holds a picture.
Where a page shows one stands an address that is itself a drawing of no picture, and that names what
belongs there. The browser asks the kernel for it by a custom message, which no front end keeps.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

import anywidget
from traitlets import Unicode

from workbench.errors import SightlineError

MOST_BYTES = 64 * 2**20  # kept for the browser to ask for: many times what a page can show
MOST_ASKED = 100  # in one message

# What stands there until the picture comes, and for good in a saved notebook.
_NO_PICTURE = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 96 96'%3E"
    "%3Cpath fill='%23888' fill-opacity='.2' d='M0 0h96v96H0z'/%3E"
    "%3Ctext x='48' y='52' font-size='11' font-family='sans-serif' text-anchor='middle' "
    "fill='%23888' opacity='0'%3EPicture not kept%3Cset attributeName='opacity' to='1' "
    "begin='10s'/%3E%3C/text%3E%3C/svg%3E"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Question that is asked each time before a picture is given away: may it still be shown?

    >>> Standing(may_look, (register, "A-2026-117"))                      # doctest: +SKIP
    """

    check: Callable[..., object]  # raises an error of the family where it may not
    of: tuple[Hashable, ...]  # what it is called with

    def holds(self) -> bool:
        """Check whether it may."""
        try:
            self.check(*self.of)
        except SightlineError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Kept:
    content: bytes = field(repr=False)
    kind: str
    standing: Standing | None


class Media(anywidget.AnyWidget):
    """Gives the elements of a page the pictures and clips that their addresses name.

    A kernel needs one, which is never displayed. What was asked for least recently goes first, and
    what may not be shown any more goes when it is asked for: a page can stay open for long.
    """

    _esm = Path(__file__).with_name("media.js")
    mark = Unicode("").tag(sync=True)

    _sent: ClassVar[Media | None] = None

    def __init__(self) -> None:
        super().__init__(mark=f"#sl-{secrets.token_hex(8)}-")
        self._key = secrets.token_bytes(16)  # so that a name says nothing of the picture
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._bytes = 0
        self._sent_ahead: set[str] = set()
        self.on_msg(self._asked)

    @classmethod
    def of_kernel(cls) -> Media:
        """Return that of this kernel."""
        if cls._sent is None or cls._sent.comm is None:  # as Widget.close_all() leaves it
            cls._sent = cls()
        return cls._sent

    def keep(self, content: bytes, kind: str, standing: Standing | None = None) -> str:
        """Keep a picture or a clip for the browser to ask for, and return its name."""
        name = self._name(content)
        if name not in self._kept:
            self._bytes += len(content)
        self._kept[name] = _Kept(content, kind, standing)
        self._kept.move_to_end(name)
        while self._bytes > MOST_BYTES and len(self._kept) > 1:
            self._bytes -= len(self._kept.popitem(last=False)[1].content)
        return name

    def forget(self, contents: Iterable[bytes]) -> None:
        """Give the browser none of these pictures any more."""
        for content in contents:
            kept = self._kept.pop(self._name(content), None)
            self._bytes -= len(kept.content) if kept else 0

    def send_ahead(self, addresses: Iterable[str]) -> None:
        """Send what the page is about to show, once: it need not ask a kernel that has more to do.

        Parameters
        ----------
        addresses : iterable of str
            As :func:`address` returned them; the first hundred are sent.
        """
        names = [one.rpartition(self.mark)[2] for one in addresses][:MOST_ASKED]
        fresh = [one for one in names if one not in self._sent_ahead]
        self._sent_ahead = (self._sent_ahead & self._kept.keys()).union(fresh)
        if fresh:
            self._give(fresh)

    def _name(self, content: bytes) -> str:
        return blake2b(content, key=self._key, digest_size=16).hexdigest()

    def _asked(self, _: object, message: dict[str, Any], __: object) -> None:
        names = message.get("ask")
        if not isinstance(names, list):
            return
        self._give([one for one in names if isinstance(one, str)][:MOST_ASKED])

    def _give(self, names: Sequence[str]) -> None:
        found = {name: self._kept[name] for name in names if name in self._kept}
        over = {
            standing
            for standing in {one.standing for one in found.values()}
            if standing is not None and not standing.holds()
        }
        self.forget([one.content for one in self._kept.values() if one.standing in over])
        found = {name: one for name, one in found.items() if one.standing not in over}
        for name in found:
            self._kept.move_to_end(name)
        self.send(
            {"found": [[name, one.kind] for name, one in found.items()]},
            buffers=[one.content for one in found.values()],
        )


def address(content: bytes, kind: str = "image/jpeg", *, standing: Standing | None = None) -> str:
    """Return the address of a picture or a clip, for the ``src`` of an image or a video.

    It holds nothing of the content, and no character that would have to be escaped between double
    quotes. The element gets the content when it is on the page.

    Parameters
    ----------
    content : bytes
        The file.
    kind : str
        Its media type.
    standing : Standing, optional
        Asked each time that a browser asks for it; where it holds no more, it is forgotten.
    """
    media = Media.of_kernel()
    stands_in = _NO_PICTURE if kind.startswith("image/") else "data:,"
    return f"{stands_in}{media.mark}{media.keep(content, kind, standing)}"
