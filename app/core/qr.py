"""QR codes (ISO/IEC 18004) of addresses of this site, for paper and for screens held up to a phone."""

from __future__ import annotations

import io

import segno
from markupsafe import Markup


def draw_qr(url: str) -> Markup:
    """The code of `url` as SVG for a page: black on white in every theme, since scanners want it so."""
    svg = _code(url).svg_inline(omitsize=True, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None)
    return Markup(svg.replace("<svg ", '<svg aria-hidden="true" ', 1))  # noqa: S704  # squares only, no text of anybody


def qr_png(url: str) -> bytes:
    """The same as a picture of about 600 pixels, to be put on a poster or into a newsletter."""
    out = io.BytesIO()
    code = _code(url)
    code.save(out, kind="png", scale=max(1, 600 // code.symbol_size(border=4)[0]), border=4)
    return out.getvalue()


def qr_svg(url: str) -> bytes:
    """The same as a drawing, sharp at every size on paper."""
    out = io.BytesIO()
    _code(url).save(out, kind="svg", scale=10, border=4, dark="#000", light="#fff", svgclass=None, lineclass=None)
    return out.getvalue()


def _code(url: str) -> segno.QRCode:
    """Level M: about a seventh of it may be dirty or torn."""
    return segno.make(url, error="m", micro=False)
