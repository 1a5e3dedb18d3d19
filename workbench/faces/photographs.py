"""Read a photograph: any still picture that people keep, as 8-bit BGR, upright by its own tags."""

from __future__ import annotations

import io
import math
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pi_heif
from PIL import Image as Pictures
from PIL import UnidentifiedImageError

from workbench.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from workbench.domain import Image

# Larger photographs are refused before they are decoded: 64 megapixels decode to 192 MB.
MOST_MEGAPIXELS = 64
MOST_BYTES = 50 * 2**20
# Photographs are made no larger than this; faces are found in it and cut from it.
WORKING_SIZE = 1600
# Pictures as people keep them; JPEG includes MPO, several in one. Not what Pillow hands to another
# program (EPS, WMF), nor icons.
FORMATS = (
    "AVIF", "BMP", "DIB", "GIF", "HEIF", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD",
    "SGI", "TGA", "TIFF", "WEBP",
)  # fmt: skip
# Formats that hold several pictures one after the other. In MPO and HEIF the first is the
# photograph, and the others are made from it or for it.
SEQUENCES = {
    "AVIF": "an animation",
    "GIF": "an animation",
    "PNG": "an animation",
    "TIFF": "a file of several pages",
    "WEBP": "an animation",
}
# Of an animation whose first pictures are blank, as many are tried: pictures, and pixels of all.
MOST_PICTURES, MOST_PIXELS = 50, 256_000_000
# Standard deviation, in grey levels of 256, of a picture that shows nothing.
BLANK_BELOW = 4.0

_ORIENTATION = 0x0112  # the tags of TIFF and EXIF
_PHOTOMETRIC, _WHITE_IS_ZERO = 0x0106, 0


def read_photograph(source: Path | bytes, name: str) -> Image:
    """The picture ``(height, width, 3) uint8``, BGR, upright by its tags, at most 1600 px a side.

    Raises
    ------
    ImageError
        If it is not a photograph that can be read, or is unreasonably large.
    """
    return read_with_notes(source, name)[0]


def read_with_notes(source: Path | bytes, name: str) -> tuple[Image, tuple[str, ...]]:
    """Read as :func:`read_photograph` does; add notes on the picture, without full stops."""
    content = file_content(source, name)
    _know_heif()
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures, on which our own limit has the word, and of tags
            # that are not as they should be, which cost nothing but the tag.
            warnings.simplefilter("ignore")
            with Pictures.open(io.BytesIO(content), formats=FORMATS) as picture:
                _check_size(picture, name)
                upright, notes = _chosen(picture, name)
    except ImageError:
        raise
    except Pictures.DecompressionBombError:
        raise _too_large("has far too many pixels", name) from None
    except UnidentifiedImageError:
        raise ImageError(
            "is not a picture, or of a format that is not read here",
            where=name,
            fix="Use a JPEG or PNG photograph",
        ) from None
    except Exception as error:
        # A damaged file can end a decoder anywhere: a thousand mutated photographs gave OSError,
        # ValueError, TypeError, struct.error, AttributeError, IndexError and others.
        raise ImageError(
            f"cannot be read ({_reason(error)})", where=name, fix="Use a JPEG or PNG photograph"
        ) from None
    return np.ascontiguousarray(np.asarray(upright)[:, :, ::-1]), notes


def file_content(source: Path | bytes, name: str) -> bytes:
    """Read the file of a photograph; raise ImageError if it is too large or cannot be read."""
    try:
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        if size > MOST_BYTES:
            raise _too_large(f"is {size / 2**20:.0f} MB", name)
        return source.read_bytes() if isinstance(source, Path) else source
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        raise ImageError(
            f"cannot be read ({error})", where=name, fix="Use a JPEG or PNG photograph"
        ) from None


@lru_cache(maxsize=1)
def _know_heif() -> None:
    """Have Pillow read HEIC and HEIF."""
    pi_heif.register_heif_opener()


def _chosen(picture: Any, name: str) -> tuple[Any, tuple[str, ...]]:
    """The photograph in a file that Pillow opened, upright RGB; and notes about it."""
    sequence = SEQUENCES.get(picture.format)
    count = int(getattr(picture, "n_frames", 1)) if sequence else 1
    if count == 1:
        return _upright(picture), ()
    for number, upright in enumerate(_upright_pictures(picture, count, name), start=1):
        if not _is_blank(upright):
            return upright, (f"picture {number} of the {count} of {sequence}; no other was used",)
    raise ImageError(
        f"is {sequence} whose first pictures show nothing",
        where=name,
        fix="Save the picture that shows the face as a photograph of its own",
    )


def _upright_pictures(picture: Any, count: int, name: str) -> Iterator[Any]:
    pixels = 0
    for number in range(min(count, MOST_PICTURES)):
        picture.seek(number)
        _check_size(picture, name)  # pages differ in size
        pixels += picture.width * picture.height
        if number and pixels > MOST_PIXELS:
            return
        yield _upright(picture)


def _upright(picture: Any) -> Any:
    """The current picture as RGB, upright by its tags, no larger than the working size."""
    picture.draft("RGB", (WORKING_SIZE, WORKING_SIZE))  # JPEG is decoded smaller, which is faster
    picture.load()
    # Not ImageOps.exif_transpose: it writes the tags anew, and fails where another one is odd.
    # TIFF was turned on loading and has the tag no more.
    transpose = {
        2: Pictures.Transpose.FLIP_LEFT_RIGHT,
        3: Pictures.Transpose.ROTATE_180,
        4: Pictures.Transpose.FLIP_TOP_BOTTOM,
        5: Pictures.Transpose.TRANSPOSE,
        6: Pictures.Transpose.ROTATE_270,
        7: Pictures.Transpose.TRANSVERSE,
        8: Pictures.Transpose.ROTATE_90,
    }.get(_orientation(picture))
    upright = _rgb(picture)
    if transpose is not None:
        upright = upright.transpose(transpose)
    upright.thumbnail((WORKING_SIZE, WORKING_SIZE))
    return upright


def _orientation(picture: Any) -> int:
    """EXIF's number of how the picture is to be turned, from 1 to 8; 1 where it says nothing."""
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
        if isinstance(value, tuple | list):
            value = value[0]
        return int(value)
    except Exception:
        # EXIF is written by everything from phones to scripts; reading it ends in half a dozen
        # kinds of exception. Without it the photograph is as good, and tried turned if need be.
        return 1


def _rgb(picture: Any) -> Any:
    """The current picture as 8-bit RGB, whatever its pixels are."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return Pictures.fromarray(_eight_bit(picture)).convert("RGB")
    if picture.has_transparency_data:
        shown = picture.convert("RGBA")
        if shown.getchannel("A").getextrema()[1] > 0:  # some programs write 0 for "not used"
            ground = Pictures.new("RGBA", shown.size, "white")
            return Pictures.alpha_composite(ground, shown).convert("RGB")
        return shown.convert("RGB")
    return picture.convert("RGB")


def _eight_bit(picture: Any) -> NDArray[np.uint8]:
    """Grey of 16 bits, 32 bits or floating point as ``(height, width) uint8``.

    Files do not say what is white. Integers have the least of 8, 10, 12, 14 or 16 bits that holds
    all but the brightest thousandth of the pixels; floating point goes up to 1, 255 or 65535 by
    the same rule; anything else from its least value to its greatest.
    """
    grey = np.nan_to_num(np.asarray(picture, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    step = max(1, max(grey.shape) // 1000)
    least, greatest = (float(v) for v in np.percentile(grey[::step, ::step], [0.1, 99.9]))
    whites = [1.0, 255.0, 65535.0]
    if picture.mode != "F":
        whites = [255.0, 1023.0, 4095.0, 16383.0, 65535.0]
    white = next((white for white in whites if greatest <= white), math.inf)
    if least < 0 or white == math.inf:
        grey -= least
        white = max(greatest - least, 1e-9)
    grey *= 255 / white
    tags = getattr(picture, "tag_v2", {})
    if picture.mode.startswith("I;16") and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        grey = 255 - grey  # Pillow does so for 8 bits only
    return grey.round().clip(0, 255).astype(np.uint8)


def _is_blank(picture: Any) -> bool:
    small = picture.convert("L")
    small.thumbnail((256, 256))
    return float(np.asarray(small, np.float32).std()) < BLANK_BELOW


def _check_size(picture: Any, name: str) -> None:
    width, height = picture.size
    if width * height > MOST_MEGAPIXELS * 1e6:
        raise _too_large(f"has {width * height / 1e6:.0f} megapixels ({width} by {height})", name)


def _reason(error: Exception) -> str:
    """Message of a decoder without line ends, or the kind of error if it has none."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _too_large(what: str, name: str) -> ImageError:
    return ImageError(
        what,
        where=name,
        fix=f"Use one of at most {MOST_MEGAPIXELS} megapixels and {MOST_BYTES // 2**20} MB",
    )
