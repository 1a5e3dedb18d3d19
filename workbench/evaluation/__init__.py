"""Evaluation of scores: error rates with intervals, calibration, expected false candidates.

Terms and measures follow ISO/IEC 19795-1:2021 (biometric performance testing) and NIST's Face
Recognition Technology Evaluation, part 2 (NISTIR 8271).

Its parts are imported when they are used: ``sl.evaluation.plots.det({"ours": trial.det(at)})``.
"""

import importlib as _importlib

__all__ = [
    "calibrate",  # a calibration of samples
    "camera_limits",  # which bad pictures a camera may make
    "cameras",  # which of them are worth searching
    "compare",  # profiles side by side
    "data",  # folders of people and files of pairs
    "forecasts",  # figures of what a search must expect
    "groups",  # error rates by group
    "own_footage",  # what footage says of a calibration, without labels
    "plots",  # figures of error rates
    "pooling",  # trials of samples
    "protocols",  # trials and their rates
    "samples",  # templates of faces with known owners
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return __all__
