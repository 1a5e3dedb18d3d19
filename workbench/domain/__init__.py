"""The words of the program: frozen values without I/O, shared by every room.

Times are time-zone-aware and kept in UTC. Coordinates are WGS 84 degrees. Boxes and landmarks are
in pixels of the decoded, upright frame. Images are ``(height, width, 3) uint8`` in BGR order, as
OpenCV and DeepFace take them.
"""

from typing import TYPE_CHECKING

from workbench.domain.clocks import (
    GIVEN_FOR,
    MOST_OFFSET_SECONDS,
    PERHAPS_TWICE,
    PLAIN,
    TIME_FIELDS,
    ClockChange,
    ClockCorrection,
    Stretch,
    TimeNote,
    Unseen,
    contradicts,
    corrected,
    length_words,
    seen_parts,
    seen_spans,
    stretch_at,
    stretches_of,
    with_corrections_of,
)
from workbench.domain.clocksettings import ClockSetting, setting_for
from workbench.domain.faces import QUALITY_PARTS, Box, Face, Metric, Point, Profile, Quality
from workbench.domain.footage import (
    FILM,
    Camera,
    Catalogue,
    Leg,
    Place,
    Problem,
    Reading,
    Recording,
    base_camera,
    outside_of,
)
from workbench.domain.names import natural
from workbench.domain.progress import Progress, ProgressCallback
from workbench.domain.searching import (
    MOST_PHOTOGRAPHS,
    PLAIN_SCALE,
    Candidate,
    Coverage,
    District,
    Filter,
    Photograph,
    Probe,
    Scope,
    Threshold,
    best_first,
    scale_marks,
)
from workbench.domain.tables import candidates_frame
from workbench.domain.times import (
    EARLIEST,
    EPOCH,
    Span,
    from_microseconds,
    is_possible,
    moments,
    parse_time,
    to_microseconds,
    utc,
    wall_time,
)
from workbench.domain.tracklets import (
    IndexedRecording,
    ScoreCount,
    Shot,
    Tracklet,
    format_tracklet_id,
    parse_tracklet_id,
    recording_identity,
)

if TYPE_CHECKING:
    from workbench.domain.faces import Image as Image
    from workbench.domain.faces import Vector as Vector

__all__ = [
    "EARLIEST",
    "EPOCH",
    "FILM",
    "GIVEN_FOR",
    "MOST_OFFSET_SECONDS",
    "MOST_PHOTOGRAPHS",
    "PERHAPS_TWICE",
    "PLAIN",
    "PLAIN_SCALE",
    "QUALITY_PARTS",
    "TIME_FIELDS",
    "Box",
    "Camera",
    "Candidate",
    "Catalogue",
    "ClockChange",
    "ClockCorrection",
    "ClockSetting",
    "Coverage",
    "District",
    "Face",
    "Filter",
    "IndexedRecording",
    "Leg",
    "Metric",
    "Photograph",
    "Place",
    "Point",
    "Probe",
    "Problem",
    "Profile",
    "Progress",
    "ProgressCallback",
    "Quality",
    "Reading",
    "Recording",
    "Scope",
    "ScoreCount",
    "Shot",
    "Span",
    "Stretch",
    "Threshold",
    "TimeNote",
    "Tracklet",
    "Unseen",
    "base_camera",
    "best_first",
    "candidates_frame",
    "contradicts",
    "corrected",
    "format_tracklet_id",
    "from_microseconds",
    "is_possible",
    "length_words",
    "moments",
    "natural",
    "outside_of",
    "parse_time",
    "parse_tracklet_id",
    "recording_identity",
    "scale_marks",
    "seen_parts",
    "seen_spans",
    "setting_for",
    "stretch_at",
    "stretches_of",
    "to_microseconds",
    "utc",
    "wall_time",
    "with_corrections_of",
]
