"""Pictures that people send, drawn anew (G8): of what was uploaded only the pixels go on, few of them, in one format.

The answer is PNG, but for photographs on pages, which are JPEG. Letters and edges of a drawing stay sharp in PNG, and every
browser, mail program and preview of a link reads it, which cannot be said of WebP; at 320 pixels it is small enough all the
same.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import threading
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from app.core.errors import refuse
from app.core.i18n import _

MAXIMUM_BYTES = 4 * 1024 * 1024
# What is read of a form with a picture in it: more than a telephone's camera writes, so that what else was typed is kept and the
# field says that the picture is too large.
MAXIMUM_FORM = 16 * 1024 * 1024
MAXIMUM_PIXELS = 24_000_000
# By what the file begins with, never by its name. Nothing else of what Pillow knows is tried.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
CONTENT_TYPE = "image/png"
# A progressive JPEG has about ten passes; thousands over a large picture would keep the processor busy for minutes.
MOST_SCANS = 60
_START_OF_SCAN = b"\xff\xda"

# A large picture takes some hundred megabytes for half a second: a process has one in hand at a time.
_one_at_a_time = threading.Lock()

# Before a pixel is decoded: beyond this Pillow itself stops, even where the size comes late in a file.
Image.MAX_IMAGE_PIXELS = MAXIMUM_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture as we keep it: PNG without any metadata, its digest, and its size in pixels."""

    content: bytes
    digest: str
    width: int
    height: int


def content_type(content: bytes) -> str:
    """What a picture that `reencode` made is sent as."""
    return "image/jpeg" if content.startswith(b"\xff\xd8") else CONTENT_TYPE


def reencode(data: bytes, *, box: int, photo: bool = False) -> Picture:
    """The picture in `data` as somebody uploaded it, upright and fitted into `box` × `box` pixels; of a moving one the
    first frame. A `photo` that nothing shines through becomes a JPEG, which is a tenth of the PNG.

    Raises Refused with a message for whoever chose the file."""
    if not data:
        raise refuse("empty", _("The file is empty"))
    if len(data) > MAXIMUM_BYTES:
        raise refuse("too_large", too_large())
    try:
        with _one_at_a_time:
            return _drawn_anew(data, box, photo)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, _TooManyPixels) as error:
        words = _("This picture has more than %(most)s megapixels. Make it smaller", most=MAXIMUM_PIXELS // 1_000_000)
        raise refuse("too_many_pixels", words) from error
    except UnidentifiedImageError as error:
        raise refuse("format", _("Choose a PNG, JPEG, WebP or GIF picture. Save any other as PNG first")) from error
    except Exception as error:  # a file made to break a decoder breaks it in ways that no list would name
        words = _("This picture is damaged. Open it, save it again and choose the new file")
        raise refuse("damaged", words) from error


class _TooManyPixels(Exception):
    """The file says that it is larger than we decode."""


def _drawn_anew(data: bytes, box: int, photo: bool) -> Picture:
    image: Image.Image
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MAXIMUM_PIXELS:
            raise _TooManyPixels
        if image.format in ("JPEG", "MPO"):
            if data.count(_START_OF_SCAN) > MOST_SCANS:
                raise ValueError("more passes than a picture needs")
            image.draft("RGB", (2 * box, 2 * box))  # decodes no more of it than is needed
        image.load()
        mode = "RGBA" if image.has_transparency_data else "RGB"
        image = image if image.mode == mode else image.convert(mode)
        image.thumbnail((box, box), Image.Resampling.LANCZOS)
        image = ImageOps.exif_transpose(image)
    if image.mode == "RGBA":
        # What is wholly transparent has no colour: nothing hides there.
        seen = image.getchannel("A").point(lambda alpha: 255 if alpha else 0)
        image = Image.composite(image, Image.new("RGBA", image.size), seen)
    bare = Image.frombytes(image.mode, image.size, image.tobytes())  # pixels only: no profile, no place, no words
    return _as_jpeg(bare) if photo and bare.mode == "RGB" else as_png(bare)


def _as_jpeg(image: Image.Image) -> Picture:
    out = io.BytesIO()
    image.save(out, format="JPEG", quality=82, optimize=True, progressive=True)
    return _picture(out.getvalue(), image)


def as_png(image: Image.Image) -> Picture:
    """A picture that we drew, as it is kept and sent."""
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return _picture(out.getvalue(), image)


def _picture(content: bytes, image: Image.Image) -> Picture:
    return Picture(content, hashlib.sha256(content).hexdigest()[:32], image.width, image.height)


def too_large() -> str:
    """What somebody is told whose file is larger than MAXIMUM_BYTES."""
    return _("The picture is larger than %(most)s MB. Make it smaller", most=MAXIMUM_BYTES // (1024 * 1024))
