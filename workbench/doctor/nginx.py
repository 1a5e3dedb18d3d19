"""Files of nginx, as far as it takes to see what they say about a site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(r"""#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]|[^\s{};"']+""")


@dataclass
class Block:
    """A block of directives: its words (``location /``), what it says, and the blocks in it."""

    words: list[str] = field(default_factory=list)
    said: list[list[str]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def values(self, name: str) -> list[list[str]]:
        """Return what each directive of that name says in this block itself, if anything."""
        return [said[1:] for said in self.said if said[0] == name and said[1:]]

    def passing(
        self, headers: frozenset[str] = frozenset()
    ) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield each block that passes requests on, and the names of headers that it sets.

        *headers* are those set around it, which a block has that sets none of its own. Names are in
        small letters.
        """
        own = frozenset(said[0].lower() for said in self.values("proxy_set_header"))
        headers = own or headers
        if self.values("proxy_pass"):
            yield " ".join(self.words), headers
        for block in self.blocks:
            yield from block.passing(headers)


def parse_nginx(text: str) -> Block:
    """Read a file of nginx; what is not closed ends with the file."""
    whole = Block()
    path, words = [whole], list[str]()
    for piece in _TOKEN.findall(text):
        if piece.startswith("#"):
            continue
        if piece == "{":
            block = Block(words)
            path[-1].blocks.append(block)
            path.append(block)
        elif piece == "}":
            path = path[:-1] or [whole]
        elif piece == ";":
            if words:
                path[-1].said.append(words)
        else:
            words.append(piece.strip("\"'"))
            continue
        words = []
    return whole
