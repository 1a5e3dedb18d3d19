"""Ask the server in this container whether it is well; exit status 0 if so.

It is asked over the socket that the proxy uses, or at its usual port where there is none. What is
wrong goes to standard output, where ``podman inspect`` and ``docker inspect`` show it.
"""

import socket
import sys
from http.client import HTTPConnection, HTTPException
from pathlib import Path

SOCKET = Path("/run/sightline/sightline.sock")
PORT = 8866
SECONDS = 8.0  # less than the time that a health check has


class OverSocket(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def main(path: Path = SOCKET, port: int = PORT) -> int:
    """Ask over the socket at *path*, or at *port* where there is none, and print the answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    if path.exists():
        connection = OverSocket(path)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        said = answer.read(65536).decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        sys.stdout.write(f"no answer ({error!r})\n")
        return 1
    sys.stdout.write(f"{answer.status} {said}\n")
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
