"""Make the demo's calibration: what scores mean for rendered people, who are more alike than real.

    python -m tools.demo_calibration

Renders sixty people who are not in the demo, three photographs each (about three minutes), compares
them, and writes data/demo/calibrations/dlib.json.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2

from tools.fennmouth.build import photographs
from tools.fennmouth.people import Person
from workbench.calibration import shipped_calibration, write_calibration
from workbench.evaluation.calibrate import calibrate
from workbench.evaluation.data import people_in
from workbench.evaluation.degradation import Degradation
from workbench.evaluation.samples import enrol
from workbench.notebook import load_models

SEEDS = range(2000, 2060)
WIDTHS = (80, 50)  # of faces in the demo's footage, pixels
OUTPUT = Path(__file__).parents[1] / "data" / "demo" / "calibrations" / "dlib.json"


def main() -> None:
    """Make the calibration and write it."""
    models = load_models("dlib")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for seed in SEEDS:
            person = Person(f"seed {seed}", seed, "absent", coat="teal", shirt="white")
            (folder / str(seed)).mkdir()
            for number, picture in enumerate(photographs(person), start=1):
                path = folder / str(seed) / f"{number}.jpg"
                cv2.imwrite(str(path), picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        stills = people_in(folder)
        worse = [Degradation("size", width) for width in WIDTHS]
        versions = [
            enrol(stills, models, degraded=one, cache=folder / "kept") for one in (None, *worse)
        ]
    ours = shipped_calibration(models.profile)
    assert ours is not None
    made = calibrate(
        versions,
        # Sixty people are too few for centroids, and the demo shows the scale of real searches.
        normaliser=ours.normaliser,
        data="the demo's rendered people; says nothing about real faces",
        photographs=(1, 2, 3),
        qualities=(0.0, 0.7),
    )
    write_calibration(made, OUTPUT)


if __name__ == "__main__":
    main()
