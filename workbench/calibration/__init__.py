"""Calibrations: the error rates of a profile's scores, and the files that hold them."""

from workbench.calibration.files import (
    calibrated_profiles,
    calibration_of,
    files_of,
    parse_calibration,
    provisional_file,
    read_calibration,
    shipped_calibration,
    shipped_file,
    write_calibration,
)
from workbench.calibration.model import (
    CONFIDENCE,
    QUALITY_STEPS,
    TARGET_FMR,
    Calibration,
    Curve,
    FalseCandidateEstimate,
    FnmrEstimate,
    LikelihoodRatioModel,
    Nearness,
)
from workbench.calibration.normaliser import Normaliser

__all__ = [
    "CONFIDENCE",
    "QUALITY_STEPS",
    "TARGET_FMR",
    "Calibration",
    "Curve",
    "FalseCandidateEstimate",
    "FnmrEstimate",
    "LikelihoodRatioModel",
    "Nearness",
    "Normaliser",
    "calibrated_profiles",
    "calibration_of",
    "files_of",
    "parse_calibration",
    "provisional_file",
    "read_calibration",
    "shipped_calibration",
    "shipped_file",
    "write_calibration",
]
