"""Inputs damaged at random, and a process of its own that reads them.

Mutations are seeded by their kind and number, so that a failure can be repeated: its message names
both. SIGHTLINE_MUTATIONS asks for more of them (make soak).
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

T = TypeVar("T")

MUTATIONS = int(os.environ.get("SIGHTLINE_MUTATIONS", "150"))  # of each kind of input
MOST_SECONDS = 10.0  # of the processor, for one
MOST_WAITING_SECONDS = 300.0  # for one, on a machine that has other things to do
MOST_MEMORY = 4 * 2**30  # bytes of addresses
# What readers stumble over: ends of ranges, signs of structure, numbers where none belong.
BYTES = (
    b"\x00",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\x00\x00",
    b"\xff\xff\xff\xff",
)


def mutated(content: bytes, generator: random.Random, bits: tuple[bytes, ...] = BYTES) -> bytes:
    """*content* with up to four changes: bytes written over, put in, left out, doubled, cut off."""
    data = bytearray(content)
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(data) + 1)
        # Headers decide most: every second change is in the first bytes.
        if generator.random() < 0.5:
            at = min(at, generator.randrange(600))
        length = generator.choice((1, 2, 4, 16, 200))
        match generator.randrange(6):
            case 0:
                data[at : at + 1] = bytes([generator.randrange(256)])
            case 1:
                bit = generator.choice(bits)
                data[at : at + len(bit)] = bit
            case 2:
                data[at:at] = generator.choice(bits)
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length]
            case _ if generator.random() < 0.3:
                del data[at:]
    return bytes(data)


def try_all(
    kind: str, damage: Callable[[random.Random], T], read: Callable[[T], None], number: int
) -> None:
    """Damage an input in that many ways and read each; fail with the number of a bad one."""
    for each in range(number):
        damaged = damage(random.Random(f"{kind} {each}"))
        began = time.process_time()
        try:
            read(damaged)
        except Exception as error:
            raise AssertionError(f"mutation {each} of {kind}: {error!r}") from error
        assert time.process_time() - began < MOST_SECONDS, f"mutation {each} of {kind} is slow"


def try_apart(kind: str, number: int, read: Callable[[str, int], str]) -> Counter[str]:
    """Have another process ``read(kind, n)`` for n up to *number*; count what it says of them.

    Fails with the number of the first that raises, ends its process, needs too much memory, or
    takes too long.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_read_all, args=(theirs, kind, number, read), daemon=True)
    process.start()
    theirs.close()
    said: Counter[str] = Counter()
    try:
        for each in range(number):
            answer = None
            if ours.poll(MOST_WAITING_SECONDS):
                with contextlib.suppress(EOFError):
                    answer = ours.recv()
            if answer is None:
                process.join(1)
                raise AssertionError(f"mutation {each} of {kind}: exit status {process.exitcode}")
            outcome, trace = answer
            assert not trace, f"mutation {each} of {kind}:\n{trace}"
            said[outcome] += 1
    finally:
        process.kill()
        process.join()
    return said


def _read_all(link: Connection, kind: str, number: int, read: Callable[[str, int], str]) -> None:
    import traceback

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for each in range(number):
        # Ends the process, wherever it is, unless it is set anew.
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        try:
            answer = read(kind, each), ""
        except BaseException:
            answer = "", traceback.format_exc()
        link.send(answer)
