"""Service of a cluster that answers with as many messages as it is asked for."""

from __future__ import annotations

import os

from workbench.cluster.services import Answers, Handler

closed: list[bytes] = []
"""Messages whose answers were dropped before the last one."""


def talker(message: bytes) -> Handler:
    """Make the service: to ``b"3"`` it says 0, 1, 2 and *message*; to ``b"3 end"`` it ends."""

    def answer(asked: bytes) -> Answers:
        count, _, then = asked.partition(b" ")
        done = False
        try:
            for number in range(int(count)):
                yield b"%d" % number
            done = True
        finally:
            if not done:
                closed.append(asked)
        if then == b"end":
            os._exit(1)
        return message if then == b"" else None

    return answer
