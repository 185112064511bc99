"""Pictures that people send: only their pixels go on, few of them, whatever else the file was."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image, ImageDraw

from app.core.errors import Refused
from app.core.pictures import MAXIMUM_BYTES, MOST_SCANS, Picture, reencode

RED, BLUE = (200, 30, 30), (30, 30, 200)
PLACE = "GPS-40.7357N"


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.content))


def halves(width: int = 600, height: int = 400) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    ImageDraw.Draw(image).rectangle((width // 2, 0, width, height), fill=BLUE)
    return image


def written(image: Image.Image, kind: str, **how: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format=kind, **how)
    return out.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    """What a telephone writes: how it was held, whose it is, and where it was."""
    said = Image.Exif()
    said[0x0112], said[0x010F] = orientation, "Maker of telephones"
    said[0x8825] = {1: "N", 2: (40.0, 44.0, 8.5), 3: "W", 4: (74.0, 10.0, 20.6), 29: "2026:11:20"}
    said[0x9286] = PLACE
    return said


def is_like(pixel: object, colour: tuple[int, int, int]) -> bool:
    return isinstance(pixel, tuple) and all(abs(one - other) < 40 for one, other in zip(pixel, colour, strict=False))


def reason(data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        reencode(data, box=320)
    assert refused.value.reasons[0].message
    return refused.value.reasons[0].code


@pytest.fixture(autouse=True)
def words(sqlite_app: tuple[Flask, Path]) -> Iterator[None]:
    """Refusals are said in somebody's language."""
    with sqlite_app[0].app_context():
        yield


@pytest.mark.rule("G8")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_where_and_with_what_it_was_taken_is_gone(kind: str) -> None:
    sent = written(halves(), kind, exif=exif())
    assert Image.open(io.BytesIO(sent)).getexif().get_ifd(0x8825)  # it was there
    assert b"Maker of telephones" in sent
    kept = reencode(sent, box=320)
    image = opened(kept)
    assert not image.getexif()
    assert not image.info
    chunks = set()
    at = 8
    while at < len(kept.content):
        length, name = struct.unpack(">I4s", kept.content[at : at + 8])
        chunks.add(name)
        at += 12 + length
    assert chunks == {b"IHDR", b"IDAT", b"IEND"}
    for word in (PLACE.encode(), b"Maker", b"2026:11:20"):
        assert word not in kept.content


@pytest.mark.rule("G8")
def test_words_profiles_and_what_is_hidden_behind_nothing_are_gone() -> None:
    from PIL import ImageCms
    from PIL.PngImagePlugin import PngInfo

    said = PngInfo()
    said.add_text("Comment", "the house with the green door", zip=False)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = halves().convert("RGBA")
    image.putalpha(0)  # what the picture was is in its colours still
    sent = written(image, "PNG", pnginfo=said, icc_profile=profile)
    assert Image.open(io.BytesIO(sent)).info["icc_profile"]
    kept = opened(reencode(sent, box=320))
    kept.load()
    assert not kept.info
    assert kept.getcolors() == [(kept.width * kept.height, (0, 0, 0, 0))]


@pytest.mark.rule("G8")
def test_a_picture_is_bounded_and_keeps_its_shape() -> None:
    kept = reencode(written(halves(3000, 2000), "JPEG"), box=320)
    assert (kept.width, kept.height) == (320, 213) == opened(kept).size
    small = reencode(written(halves(40, 30), "PNG"), box=320)
    assert (small.width, small.height) == (40, 30)
    thin = reencode(written(halves(20_000, 2), "PNG"), box=320)
    assert (thin.width, thin.height) == (320, 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_stands_as_it_was_held(kind: str) -> None:
    upright = reencode(written(halves(), kind, exif=exif()), box=300)
    assert (upright.width, upright.height) == (300, 200)
    image = opened(upright)
    assert is_like(image.getpixel((20, 100)), RED)
    assert is_like(image.getpixel((280, 100)), BLUE)
    turned = reencode(written(halves(), kind, exif=exif(6)), box=300)  # turned by a quarter
    assert (turned.width, turned.height) == (200, 300)
    image = opened(turned)
    assert is_like(image.getpixel((100, 20)), RED)
    assert is_like(image.getpixel((100, 280)), BLUE)


def test_of_a_moving_picture_the_first_frame_is_kept() -> None:
    frames = [Image.new("RGB", (200, 100), colour) for colour in (RED, BLUE, BLUE)]
    for kind in ("GIF", "WEBP"):
        sent = written(frames[0], kind, save_all=True, append_images=frames[1:], duration=80)
        assert Image.open(io.BytesIO(sent)).n_frames > 1
        kept = opened(reencode(sent, box=320))
        assert getattr(kept, "n_frames", 1) == 1
        assert is_like(kept.convert("RGB").getpixel((50, 50)), RED)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_colours_of_every_kind_are_taken(mode: str) -> None:
    image = Image.new("I;16", (50, 40), 30_000) if mode == "I;16" else halves(50, 40).convert("L").convert(mode)
    kept = reencode(written(image, "JPEG" if mode == "CMYK" else "PNG"), box=320)
    assert opened(kept).mode in ("RGB", "RGBA")


def png_header(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG that says it is so large, and has the other chunks."""
    body = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for name, data in ((b"IHDR", header), *chunks):
        body += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return body


@pytest.mark.rule("G8")
def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    empty = (b"IDAT", zlib.compress(b"\0" * 1000))
    assert reason(png_header(50_000, 50_000, empty, (b"IEND", b""))) == "too_many_pixels"
    assert reason(png_header(6000, 6000, empty, (b"IEND", b""))) == "too_many_pixels"  # Pillow only warns of it
    screen = bytearray(written(Image.new("P", (10, 10)), "GIF"))
    screen[6:10] = struct.pack("<HH", 60_000, 60_000)
    assert reason(bytes(screen)) == "too_many_pixels"
    words = png_header(20, 20, (b"zTXt", b"c\0\0" + zlib.compress(b" " * 90_000_000)), empty, (b"IEND", b""))
    assert len(words) < 200_000
    assert reason(words) == "damaged"


def test_a_picture_of_thousands_of_passes_is_refused() -> None:
    sent = written(halves(), "JPEG", progressive=True)
    assert 1 < sent.count(b"\xff\xda") < MOST_SCANS
    assert reencode(sent, box=320).width == 320
    last = sent.rindex(b"\xff\xda")
    assert reason(sent[:-2] + sent[last:-2] * 200 + sent[-2:]) == "damaged"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_file_that_breaks_off_is_refused(kind: str) -> None:
    noise = Image.frombytes("RGB", (300, 300), random.Random(4).randbytes(300 * 300 * 3))
    sent = written(noise, kind)
    reencode(sent, box=320)
    for share in (0.9, 0.5, 0.1):
        assert reason(sent[: int(len(sent) * share)]) == "damaged"
    assert reason(sent[:5]) == "format"


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"<!doctype html><title>logo.png</title><script>alert(1)</script>",
        b"%PDF-1.7\n%\xe2\xe3",
        b"PK\x03\x04" + b"\0" * 60,
        b"GIF89",
        b"\x89PNG\r\n\x1a\n",
        b"\0" * 100,
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert reason(data) in ("format", "damaged")


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM", "JPEG2000", "PDF", "TGA", "EPS"])
def test_no_other_decoder_is_asked(kind: str) -> None:
    assert reason(written(halves(64, 64), kind)) == "format"


def test_what_is_empty_or_too_large_is_refused() -> None:
    assert reason(b"") == "empty"
    assert reason(written(halves(), "PNG") + b"\0" * MAXIMUM_BYTES) == "too_large"


@pytest.mark.rule("G8")
def test_of_a_file_that_is_two_things_only_the_picture_is_left() -> None:
    script = b"<script>alert(document.cookie)</script>"
    for kind in ("GIF", "JPEG", "PNG", "WEBP"):
        kept = reencode(written(halves(), kind) + script + b"PK\x05\x06" + b"\0" * 18, box=320)
        assert script not in kept.content
        assert b"PK\x05\x06" not in kept.content
        assert opened(kept).format == "PNG"


@pytest.mark.rule("G8")
def test_random_damage_never_gets_through() -> None:
    chance = random.Random(26)
    for kind in ("JPEG", "PNG", "WEBP", "GIF"):
        sent = written(halves(90, 60), kind)
        for _try in range(60):
            broken = bytearray(sent)
            for _byte in range(chance.randint(1, 12)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            try:
                kept = reencode(bytes(broken), box=320)
            except Refused:
                continue
            assert max(kept.width, kept.height) <= 320
            assert not opened(kept).info


def test_the_same_picture_has_the_same_digest() -> None:
    assert reencode(written(halves(), "PNG"), box=320) == reencode(written(halves(), "PNG"), box=320)
    assert reencode(written(halves(), "PNG"), box=320).digest != reencode(written(halves(), "PNG"), box=300).digest
