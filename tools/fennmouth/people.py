"""The cast: fictional people, each drawn from a seed.

Nobody here exists. A person is the seed: :func:`traits` draws everything visible about them from
it, in a fixed order, so that a change of that order makes other people.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

Role: TypeAlias = Literal["wanted", "passer-by", "absent"]
Hair: TypeAlias = Literal["crop", "fringe", "swept", "bald"]
Colour: TypeAlias = tuple[float, float, float]  # linear red, green, blue from 0 to 1


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the cast.

    ``wanted`` people have photographs and pass cameras, ``absent`` ones have photographs only.
    """

    name: str
    seed: int
    role: Role
    coat: str
    shirt: str

    @property
    def traits(self) -> Traits:
        """Visible traits of the person, in their own clothes."""
        return replace(traits(self.seed), coat=_CLOTHS[self.coat], shirt=_CLOTHS[self.shirt])

    @property
    def folder(self) -> str:
        """The name as it stands in paths: ``maren-holt``."""
        return self.name.lower().replace(" ", "-")


# Chosen for being unlike each other. Euclidean distance of Dlib's pooled templates, photographs
# against walks: at most 0.31 for the same person, at least 0.44 for two.
CAST = (
    Person("Maren Holt", 1002, "wanted", coat="teal", shirt="white"),
    Person("Tobias Reed", 1007, "wanted", coat="denim", shirt="charcoal"),
    Person("Imani Cole", 1009, "wanted", coat="mustard", shirt="black"),
    Person("Edwin Marsh", 1036, "wanted", coat="oxblood", shirt="cream"),
    Person("Nora Quill", 1041, "passer-by", coat="rust", shirt="white"),
    Person("Oscar Penn", 1127, "passer-by", coat="green", shirt="red"),
    Person("Agnes Thorn", 1108, "passer-by", coat="stone", shirt="mint"),
    Person("Felix Moor", 1022, "passer-by", coat="camel", shirt="navy"),
    Person("Hugh Barlow", 1086, "passer-by", coat="plum", shirt="cream"),
    Person("Samuel Oke", 1025, "passer-by", coat="stone", shirt="denim"),
    Person("Greta Lund", 1006, "passer-by", coat="charcoal", shirt="mint"),
    Person("Lydia Marlow", 1021, "passer-by", coat="navy", shirt="red"),
    Person("Ruth Vane", 1116, "absent", coat="plum", shirt="white"),
    Person("Daniel Ashby", 1005, "absent", coat="green", shirt="cream"),
)

# Lowest and highest value of each trait, lengths in centimetres. The order is that of the draws.
_RANGES = {
    "face_width": (0.88, 1.10),
    "jaw": (0.80, 1.16),
    "chin_width": (0.6, 1.5),
    "chin_length": (-1.2, 1.4),
    "forehead": (-1.0, 1.2),
    "brow_ridge": (0.0, 0.9),
    "cheek": (-0.2, 0.8),
    "flatness": (2.0, 2.6),
    "eye_distance": (2.8, 3.55),
    "eye_width": (1.2, 1.75),
    "eye_height": (0.36, 0.78),
    "eye_tilt": (-0.16, 0.2),
    "eye_depth": (0.3, 1.2),
    "lid_crease": (0.0, 1.0),
    "eye_level": (-0.5, 0.5),
    "brow_level": (1.45, 2.5),
    "brow_thickness": (0.18, 0.55),
    "brow_arch": (-0.2, 0.7),
    "brow_tilt": (-0.12, 0.14),
    "brow_density": (0.35, 1.0),
    "nose_length": (-0.9, 1.0),
    "nose_width": (0.7, 1.5),
    "nose_height": (1.5, 3.1),
    "bridge_width": (0.5, 1.15),
    "bridge_height": (0.2, 1.1),
    "tip_up": (-0.3, 0.5),
    "mouth_width": (1.9, 3.1),
    "upper_lip": (0.2, 0.75),
    "lower_lip": (0.35, 1.0),
    "mouth_level": (-0.5, 0.5),
    "mouth_curve": (-0.25, 0.3),
    "lip_red": (0.15, 1.0),
    "age": (0.0, 1.0),
    "fat": (-0.5, 1.1),
    "beard": (0.0, 1.0),
    "moustache": (0.0, 1.0),
    "stubble": (0.0, 1.0),
    "hairline": (-1.4, 1.6),
    "hair_volume": (0.3, 2.4),
    "tone": (0.0, 1.0),
    "hue": (-1.0, 1.0),
    "blush": (0.0, 1.0),
    "freckles": (0.0, 1.0),
}

_HAIR_COLOURS: tuple[Colour, ...] = (
    (0.030, 0.025, 0.022),
    (0.070, 0.040, 0.026),
    (0.150, 0.082, 0.042),
    (0.270, 0.160, 0.075),
    (0.480, 0.340, 0.170),
    (0.330, 0.110, 0.042),
    (0.340, 0.335, 0.330),
    (0.600, 0.590, 0.570),
)
_IRIS_COLOURS: tuple[Colour, ...] = (
    (0.070, 0.036, 0.020),
    (0.140, 0.075, 0.034),
    (0.110, 0.170, 0.240),
    (0.120, 0.160, 0.085),
)
# Clothes of a March evening.
_CLOTHS: dict[str, Colour] = {
    "navy": (0.030, 0.050, 0.115),
    "green": (0.035, 0.105, 0.065),
    "oxblood": (0.200, 0.032, 0.037),
    "camel": (0.400, 0.245, 0.120),
    "charcoal": (0.060, 0.063, 0.070),
    "teal": (0.030, 0.165, 0.180),
    "plum": (0.135, 0.048, 0.120),
    "denim": (0.090, 0.165, 0.280),
    "mustard": (0.500, 0.300, 0.050),
    "stone": (0.420, 0.390, 0.330),
    "rust": (0.370, 0.105, 0.040),
    "white": (0.720, 0.710, 0.680),
    "red": (0.450, 0.080, 0.070),
    "cream": (0.600, 0.520, 0.360),
    "black": (0.035, 0.035, 0.038),
    "mint": (0.300, 0.450, 0.340),
}
_TROUSERS: tuple[Colour, ...] = (
    (0.030, 0.045, 0.085),
    (0.035, 0.035, 0.038),
    (0.120, 0.095, 0.065),
    (0.075, 0.080, 0.085),
)


@dataclass(frozen=True, slots=True)
class Traits:
    """Visible traits of a person; lengths in centimetres, most others from 0 to 1."""

    seed: int  # of the textures
    face_width: float
    jaw: float
    chin_width: float
    chin_length: float
    forehead: float
    brow_ridge: float
    cheek: float
    flatness: float
    eye_distance: float
    eye_width: float
    eye_height: float
    eye_tilt: float
    eye_depth: float
    lid_crease: float
    eye_level: float
    brow_level: float
    brow_thickness: float
    brow_arch: float
    brow_tilt: float
    brow_density: float
    nose_length: float
    nose_width: float
    nose_height: float
    bridge_width: float
    bridge_height: float
    tip_up: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    mouth_level: float
    mouth_curve: float
    lip_red: float
    age: float
    fat: float
    beard: float
    moustache: float
    stubble: float
    hairline: float
    hair_volume: float
    tone: float  # of the skin, 0 light to 1 dark
    hue: float
    blush: float
    freckles: float
    male: bool
    long_hair: bool
    hair: Hair
    part: float  # where the hair parts, -1 to 1
    glasses: int  # 0 none, else the kind of frame
    hair_colour: Colour
    iris: Colour
    coat: Colour
    shirt: Colour
    trousers: Colour
    height: float  # standing, in centimetres

    @property
    def skin(self) -> Colour:
        """Reflectance of the skin: between a light and a dark one, evenly to the eye."""
        light, dark = np.array([0.68, 0.45, 0.345]), np.array([0.195, 0.100, 0.062])
        tinted = light ** (1 - self.tone) * dark**self.tone
        red, green, blue = tinted * (1, 1 - 0.04 * self.hue, 1 - 0.09 * self.hue)
        return float(red), float(green), float(blue)


def traits(seed: int) -> Traits:
    """Draw a person; the same seed is always the same person."""
    rng = np.random.default_rng(seed)
    t: dict[str, Any] = {name: float(rng.uniform(*limits)) for name, limits in _RANGES.items()}
    male = t["male"] = bool(rng.random() < 0.5)
    t["beard"] *= male and rng.random() < 0.35
    t["moustache"] *= male and (t["beard"] > 0 or rng.random() < 0.25)
    t["stubble"] *= 0.6 * male
    t["lip_red"] *= 0.4 if male else 1.0
    t["long_hair"] = bool(not male and rng.random() < 0.7)
    bald = male and rng.random() < 0.2
    t["glasses"] = int(rng.integers(1, 4)) if rng.random() < 0.3 else 0
    t["freckles"] *= rng.random() < 0.25 and t["tone"] < 0.4
    if not male:
        t["jaw"] = min(t["jaw"], 1.02)
        t["brow_ridge"] *= 0.3
        t["brow_thickness"] *= 0.75
        t["eye_height"] = max(t["eye_height"], 0.48)
        t["eye_width"] = max(t["eye_width"], 1.35)
    t["hair_colour"] = _HAIR_COLOURS[int(rng.integers(2 if t["tone"] > 0.6 else 6))]
    if t["age"] > 0.75:
        t["hair_colour"] = _HAIR_COLOURS[6 + int(rng.random() < 0.5)]
    t["iris"] = _IRIS_COLOURS[0 if t["tone"] > 0.5 else int(rng.integers(4))]
    rng.random(3)  # unused; to draw fewer would make everybody somebody else
    t["seed"] = int(rng.integers(1 << 30))

    coats = list(_CLOTHS.values())
    t["coat"] = coats[int(rng.integers(10))]
    t["shirt"] = coats[10 + int(rng.integers(6))]
    t["trousers"] = _TROUSERS[int(rng.integers(len(_TROUSERS)))]
    t["part"] = float(rng.choice([-1, 1]) * rng.uniform(0.3, 0.9))
    styles: tuple[Hair, ...] = ("fringe", "swept") if t["long_hair"] else ("crop", "swept")
    t["hair"] = "bald" if bald else styles[int(rng.integers(2))]
    if not t["long_hair"]:
        t["hair_volume"] = min(t["hair_volume"], 1.2)
    t["height"] = float(rng.uniform(169, 182) if male else rng.uniform(164, 175))
    return Traits(**t)
