"""Run a network that nobody has run yet, with bounded memory, time and output.

It is called as a script by :mod:`workbench.faces.importing`, in a process of its own, and imports
nothing of Sightline::

    python -I trial.py NETWORK.onnx CHIPS.npy TEMPLATES.npy

Writes ``(3, n, dimension) float32``: the chips in full batches, again so, and one by one from the
last to the first with a session of its own. What is wrong with the network is printed on standard
output, with exit status 3.
"""

from __future__ import annotations

import resource
import sys

MEMORY, SECONDS = 16 * 2**30, 240  # of address space, of the processor
WRITTEN = 2**26  # bytes of a file: templates of hundreds of faces, whatever their dimension
UNFIT = 3
MOST_AT_ONCE = 32  # chips, here and whenever the network is used


def main() -> None:
    """Run the network of the command line."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (WRITTEN, WRITTEN))
    import numpy as np
    import onnxruntime

    network, chips_file, output = sys.argv[1:]
    chips = np.load(chips_file, allow_pickle=False)

    def session() -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])

    def run(with_session: onnxruntime.InferenceSession, at_once: int) -> np.ndarray:
        (taken,) = with_session.get_inputs()
        parts = []
        for begin in range(0, len(chips), at_once):
            # Filled up with chips from the beginning: a full batch is what footage gives.
            batch = chips.take(range(begin, begin + at_once), axis=0, mode="wrap")
            (found,) = with_session.run(None, {taken.name: batch})
            if found.dtype != np.float32 or found.size % len(batch) or not found.size:
                sys.exit(_unfit(f"gives {found.dtype} {found.shape} for {len(batch)} pictures"))
            parts.append(found.reshape(len(batch), -1))
        return np.concatenate(parts)[: len(chips)]

    try:
        first = session()
        at_once = 1 if first.get_inputs()[0].shape[0] == 1 else MOST_AT_ONCE
        together, again = run(first, at_once), run(first, at_once)
        chips = chips[::-1]
        alone = run(session(), 1)[::-1]
    except Exception as error:  # ONNX Runtime has no family of errors of its own
        sys.exit(_unfit(f"cannot be run ({' '.join(str(error).split())[:300]})"))
    try:
        np.save(output, np.stack([together, again, alone]), allow_pickle=False)
    except OSError as error:
        numbers = together.shape[1]
        sys.exit(_unfit(f"gives {numbers:,} numbers for a face, which cannot be kept ({error})"))


def _unfit(what: str) -> int:
    sys.stdout.write(what)
    return UNFIT


if __name__ == "__main__":
    main()
