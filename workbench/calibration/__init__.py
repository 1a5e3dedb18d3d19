"""What a profile's scores mean, and the files that say so."""

from workbench.calibration.files import (
    calibrated_profiles,
    calibration_of,
    files_of,
    own_folder,
    parse_calibration,
    read_calibration,
    write_calibration,
)
from workbench.calibration.model import (
    LEVEL,
    PASSING,
    QUALITY_STEPS,
    Calibration,
    Curve,
    Evidence,
    Expected,
    Missed,
)

__all__ = [
    "LEVEL",
    "PASSING",
    "QUALITY_STEPS",
    "Calibration",
    "Curve",
    "Evidence",
    "Expected",
    "Missed",
    "calibrated_profiles",
    "calibration_of",
    "files_of",
    "own_folder",
    "parse_calibration",
    "read_calibration",
    "write_calibration",
]
