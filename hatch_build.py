"""Make the long description of wheel and sdist: README, as the page of a package index can show it.

There, a link or a picture of the repository leads nowhere. Where pyproject.toml names the address
of the repository (``Source`` in ``[project.urls]``), they lead to the version's tag there. Where it
names none, the words of a link stay, and pictures go.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(!?)\[([^]]*)\]\((?!\w+:|#)([^)\s]+)\)")


def long_description(readme: str, source: str, tag: str) -> str:
    """Lead links and pictures to the repository, or take them out.

    Parameters
    ----------
    readme : str
        Markdown, with links relative to the repository's root.
    source : str
        Address of the repository, in the form of GitHub's; empty if there is none.
    tag : str
        The tag of the version.
    """

    def led(found: re.Match[str]) -> str:
        image, words, target = found.groups()
        if source:
            kind = "raw" if image else "blob"
            return f"{image}[{words}]({source.rstrip('/')}/{kind}/{tag}/{target})"
        return "" if image else words

    return re.sub(r"\n{3,}", "\n\n", _LINK.sub(led, readme))


class LongDescription(MetadataHookInterface):
    """Sets ``readme``, which pyproject.toml lists as dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Read README.md beside pyproject.toml."""
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        source = metadata.get("urls", {}).get("Source", "")
        text = long_description(readme, source, f"v{metadata['version']}")
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
