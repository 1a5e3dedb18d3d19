"""``sightline serve``: serve the dashboards of a gallery."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from workbench.cli.options import Renamed, count, describe, positive
from workbench.cli.output import DONE, say
from workbench.settings import load_settings


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline serve``."""
    describe(
        parser,
        _serve,
        "Serve the dashboards of a gallery until Ctrl-C. The address that is printed holds the "
        "token; pages are not shown without it.",
        "sightline serve --gallery town.duckdb --port 8866",
    )
    parser.add_argument(
        "--gallery",
        type=Path,
        metavar="FILE",
        help="the gallery; by default the one that SIGHTLINE_GALLERY names",
    )
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="address to listen on; by default %(default)s, which only this machine reaches",
    )
    add_port(parser)
    parser.add_argument(
        "--warm-kernels",
        type=count,
        default=1,
        metavar="N",
        help="kernels kept ready so that the next pages open sooner; about 300 MB each; by "
        "default %(default)s",
    )
    parser.add_argument(
        "--heated", action=Renamed, now="--warm-kernels", dest="warm_kernels", type=count,
        default=argparse.SUPPRESS,
    )  # fmt: skip


def add_port(parser: argparse.ArgumentParser) -> None:
    """Add ``--port``."""
    parser.add_argument(
        "--port", type=positive, metavar="PORT", help="port to listen on; by default a free one"
    )


def _serve(options: argparse.Namespace) -> int:
    settings = load_settings()
    return serve_gallery(
        options.gallery or settings.gallery_file,
        home=settings.home,
        tiles=settings.tiles,
        host=options.host,
        port=options.port,
        warm_kernels=options.warm_kernels,
    )


def serve_gallery(
    gallery: Path,
    *,
    home: Path,
    host: str = "127.0.0.1",
    port: int | None = None,
    warm_kernels: int = 1,
    tiles: str | None = None,
    environment: dict[str, str] | None = None,
) -> int:
    """Serve the dashboards until Ctrl-C, and print their address once they can be opened."""
    from workbench.server.application import serve  # Voila and Tornado, which help does not need

    def ready(address: str) -> None:
        say(
            "",
            "Sightline is ready. Open this address (Ctrl-C stops the server):",
            "",
            f"  {address}",
            "",
        )

    serve(
        gallery=gallery,
        home=home,
        host=host,
        port=port,
        token=os.environ.get("SIGHTLINE_TOKEN"),
        warm_kernels=warm_kernels,
        tiles=tiles,
        environment=environment or {},
        ready=ready,
    )
    return DONE
