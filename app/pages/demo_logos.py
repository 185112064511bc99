"""The logos of the demonstration, drawn: as an organization would upload them."""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image, ImageDraw

SIDE = 320
# Drawn larger and made smaller, so that edges are smooth.
FINER = 3
Draw = ImageDraw.ImageDraw


def _lantern(draw: Draw) -> None:
    draw.ellipse((0, 0, 960, 960), fill="#12324a")
    draw.arc((360, 130, 600, 370), 180, 360, fill="#f6c453", width=30)
    draw.rounded_rectangle((330, 240, 630, 300), 24, fill="#f6c453")
    draw.polygon(((360, 320), (600, 320), (660, 690), (300, 690)), fill="#fff4d6")
    draw.polygon(((480, 400), (550, 560), (480, 650), (410, 560)), fill="#e08a1e")
    draw.rounded_rectangle((270, 690, 690, 760), 24, fill="#f6c453")


def _pantry(draw: Draw) -> None:
    draw.rounded_rectangle((0, 0, 960, 960), 160, fill="#e9f1e4")
    draw.rounded_rectangle((300, 140, 660, 240), 36, fill="#7a3b1d")
    draw.rounded_rectangle((240, 260, 720, 820), 110, fill="#2f6b3f")
    draw.rounded_rectangle((310, 430, 650, 680), 40, fill="#e9f1e4")
    draw.ellipse((400, 480, 560, 640), fill="#c2452d")
    draw.polygon(((480, 500), (560, 430), (500, 520)), fill="#2f6b3f")


def _waves(draw: Draw) -> None:
    draw.rounded_rectangle((0, 180, 960, 780), 0, fill="#ffffff")
    draw.pieslice((290, 230, 670, 610), 180, 360, fill="#e5572f")
    for number, colour in enumerate(("#1d6f8f", "#2c8fb3", "#57b4d1")):
        for start in range(-1, 6):
            left, top = start * 180 + 30, 440 + number * 100
            draw.arc((left, top, left + 200, top + 120), 0, 180, fill=colour, width=44)


_DRAWINGS: dict[str, Callable[[Draw], None]] = {"lantern": _lantern, "pantry": _pantry, "waves": _waves}


def draw_logo(name: str) -> bytes:
    """The file of the logo called `name`, the same every time."""
    image = Image.new("RGBA", (SIDE * FINER, SIDE * FINER))
    _DRAWINGS[name](ImageDraw.Draw(image))
    if name == "waves":
        image = image.crop((0, 180, 960, 780))
    out = io.BytesIO()
    image.resize((SIDE, SIDE * image.height // image.width), Image.Resampling.LANCZOS).save(out, format="PNG")
    return out.getvalue()
