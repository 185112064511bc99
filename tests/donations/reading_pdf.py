"""What a PDF of fpdf2 says when it is read: line by line as drawn, from the left, and what it says of itself beside that."""

from __future__ import annotations

import re
import zlib

_STRING = rb"\((?:\\.|[^\\)])*\)"


def _plain(string: bytes) -> bytes:
    named = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
    return re.sub(rb"\\(.)", lambda found: named.get(found[1], found[1]), string[1:-1], flags=re.DOTALL)


def _codes(string: bytes) -> list[int]:
    plain = _plain(string)
    return [int.from_bytes(plain[at : at + 2], "big") for at in range(0, len(plain), 2)]


def glyphs(content: bytes) -> list[list[tuple[int, str]]]:
    """The text objects of a PDF: of each glyph, its number in the file and the letters that it stands for."""
    objects = dict(re.findall(rb"(?:^|\n)(\d+) 0 obj\n(.*?)\nendobj", content, re.DOTALL))

    def stream(number: bytes) -> bytes:
        found = re.search(rb"stream\n(.*)\nendstream", objects[number], re.DOTALL)
        assert found is not None
        return zlib.decompress(found[1]) if b"/FlateDecode" in objects[number] else found[1]

    letters: dict[bytes, dict[int, str]] = {}
    for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", content):
        to_unicode = re.search(rb"/ToUnicode (\d+) 0 R", objects[number])
        if to_unicode is not None:
            pairs = re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>\n", stream(to_unicode[1]))
            letters[name] = {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}
    found, font = [], b""
    for page in (number for number, body in objects.items() if b"stream" in body):
        drawn = stream(page)
        for text in re.findall(rb"\bBT\b(.*?)\bET\b", drawn, re.DOTALL) if b" Tf" in drawn else ():
            line: list[tuple[int, str]] = []
            for operator in re.finditer(rb"/(F\d+) [\d.]+ Tf|(" + _STRING + rb")\s*Tj", text, re.DOTALL):
                font = operator[1] or font
                if operator[2]:
                    line += [(code, letters[font].get(code, "")) for code in _codes(operator[2])]
            if line:
                found.append(line)
    return found


def lines(content: bytes) -> list[str]:
    """What stands on the paper, from the left to the right."""
    return ["".join(letter for _code, letter in line) for line in glyphs(content)]


def said(content: bytes) -> list[str]:
    """What pieces say that they read, where their letters are drawn in another order."""
    streams = re.findall(rb"/FlateDecode.*?stream\n(.*?)\nendstream", content, re.DOTALL)
    pages = b"".join(zlib.decompress(stream) for stream in streams)
    return [bytes.fromhex(text.decode()).decode("utf-16-be") for text in re.findall(rb"ActualText <FEFF(\w+)>", pages)]
