"""What other sites show with a link: cards with what everybody may know, and nothing of what may not be seen."""

from __future__ import annotations

import dataclasses
import io
import re
import unicodedata
from typing import Any

import pytest
from flask import Flask
from PIL import Image, ImageChops

from app.core import cards, lettering
from app.core.cards import Card, Statement, draw_card, draw_statement
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.pictures import reencode
from app.core.web import STATIC
from app.needs.models import PrivateAddress
from app.organizations.operations import set_logo
from app.pages import shared
from app.pages.demo_logos import draw_logo
from tests.conftest import CheckingClient
from tests.factories import make_fact, make_fundraiser, make_item, make_member, make_need, make_organization, make_shift

FONTS_FOR_ALL = "fonts-dejavu-core fonts-droid-fallback fonts-freefont-ttf"
UNWRITTEN = "\U00012000\U00012001\U00012002"  # cuneiform


def opened(card: Card) -> Image.Image:
    return Image.open(io.BytesIO(draw_card(card).content)).convert("RGB")


def differ(one: Card, other: Card) -> tuple[int, int, int, int] | None:
    """Where two cards differ: left, top, right, bottom."""
    return ImageChops.difference(opened(one), opened(other)).getbbox()


def test_a_card_has_the_size_that_previews_ask_for_and_is_always_the_same() -> None:
    card = Card("Manyhands", "Sort and pack", "Pantry · Newark, NJ", "3 places open", given=2, open=3)
    image = opened(card)
    assert image.size == (1200, 630)
    first = draw_card(card)
    draw_card.cache_clear()
    assert draw_card(card) == first
    assert len(first.content) < 150_000


def test_its_colours_are_those_of_the_pages() -> None:
    tokens = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]+)", (STATIC / "css/app.css").read_text().split("@media")[0]))
    full = {
        name: value if len(value) == 7 else "#" + "".join(each * 2 for each in value[1:])
        for name, value in tokens.items()
    }
    assert (full["deep"], full["on-deep"], full["on-deep2"], full["you"]) == (
        cards.DEEP,
        cards.ON_DEEP,
        cards.ON_DEEP2,
        cards.YOU,
    )


def test_words_say_what_is_there_and_stay_inside() -> None:
    bare = Card("", "A")
    for more in (
        Card("", "A", about="Pantry · Newark, NJ " * 12),
        Card("", "A", standing="3 places open " * 12),
        Card("", "A", dated="verified on Nov 3, 2026 · " * 12),
        Card("", "Sort and pack groceries for three hundred households " * 9),
        Card("", "Donaudampfschifffahrtsgesellschaft" * 9),
        Card("", "A", given=9, open=4),
        Card("", "A", given=90, open=40),
        Card("", "A", share=1.7),
    ):
        box = differ(bare, more)
        assert box is not None, more
        left, top, right, bottom = box
        assert left >= cards.MARGIN - 4, more
        assert top >= 120, more
        assert right <= cards.WIDTH - cards.MARGIN + 4, more
        assert bottom <= cards.TALL - 30, more


def test_the_head_of_a_card_is_whole_beside_a_logo() -> None:
    tile = io.BytesIO()
    Image.new("RGB", (184, 184), "#aa2233").save(tile, "PNG")
    for logo in (None, tile.getvalue()):
        bare = Card("", "A", logo=logo)
        one, other = (
            dataclasses.replace(bare, site=f"Manyhands · Demonstration: nothing here is {end}")
            for end in ("real", "fake")
        )
        assert differ(one, other) is not None  # its last word is drawn
        box = differ(bare, one)
        assert box is not None
        assert box[2] <= cards.WIDTH - cards.MARGIN - (216 if logo else 0)


@pytest.mark.parametrize("goal", ["100% of 3 don", "50% of 4 back", "100% of 40 wheelcha"])
def test_the_words_beside_the_picture_of_a_goal_are_whole(goal: str) -> None:
    bare = Card("", "A", share=1.0)
    one, other = (dataclasses.replace(bare, standing=goal + end) for end in ("or", "packs"))
    left_out = differ(one, dataclasses.replace(bare, standing=goal))
    assert left_out is not None  # their last letters are drawn
    assert differ(one, other) is not None


@pytest.mark.parametrize("foot", [{"share": 0.49}, {"given": 2, "open": 3}, {}])
def test_the_line_about_it_is_not_drawn_over(foot: dict[str, Any]) -> None:
    title = "Beds, blankets and heating for the long winter"  # three lines of the largest letters
    full = Card("Manyhands", title, "Shelter", "49% of $3,000", **foot)
    about = differ(full, dataclasses.replace(full, about=""))
    short = dataclasses.replace(full, title="A")
    alone = differ(short, dataclasses.replace(short, about=""))
    assert about is not None
    assert alone is not None
    assert about[3] - about[1] == alone[3] - alone[1]  # nothing lies over it
    standing = differ(short, dataclasses.replace(short, standing="", share=None, given=0, open=0))
    assert standing is not None
    assert about[3] <= standing[1]


def test_a_statement_stays_inside_and_what_was_withdrawn_looks_so() -> None:
    def drawn(card: Statement) -> Image.Image:
        return Image.open(io.BytesIO(draw_statement(card).content)).convert("RGB")

    def box(one: Statement, other: Statement) -> tuple[int, int, int, int]:
        found = ImageChops.difference(drawn(one), drawn(other)).getbbox()
        assert found is not None
        return found

    bare = Statement("", "A", "Verified")
    for more in (
        Statement("", "Few of the many are counted " * 17, "Verified"),
        Statement("", "A", "Verified · sources checked on Nov 28, 2026 " * 9),
        Statement(
            "", "A", "Verified", ("Sources: " + "A publisher with a name 2025 · " * 9, "example.org/learn/facts/a" * 9)
        ),
        Statement(
            "", "Few of the many are counted " * 17, "Withdrawn on Nov 28, 2026 " * 9, ("Why: " + "no " * 200,), True
        ),
    ):
        left, top, right, bottom = box(bare, more)
        assert left >= cards.MARGIN - 4, more
        assert top >= 120, more
        assert right <= cards.WIDTH - cards.MARGIN + 4, more
        assert bottom <= cards.TALL - 30, more
    # A long claim leaves its sources their place.
    long = Statement("", "Few of the many are counted " * 17, "Verified", ("Sources: Somebody 2025",))
    assert box(long, dataclasses.replace(long, notes=("Sources: Anybody 2025",)))[1] > 500
    said = Statement("", "Few are counted", "Withdrawn on Nov 28, 2026", withdrawn=True)
    assert box(said, dataclasses.replace(said, withdrawn=False))[1] < cards.STATEMENT_TOP
    assert said.digest != dataclasses.replace(said, withdrawn=False).digest
    # Where no font has its letters there is a hand and no empty box.
    unwritten = Statement("Manyhands", UNWRITTEN, "Verified", ("Sources: Somebody 2025",))
    assert drawn(unwritten).tobytes() == drawn(Statement("Manyhands", "\U00012005", "Verified")).tobytes()
    gone = dataclasses.replace(unwritten, state="Withdrawn on Nov 28, 2026", withdrawn=True)
    assert box(unwritten, gone)[3] < cards.STATEMENT_TOP  # its state is said all the same


def test_a_strip_is_filled_as_far_as_it_says() -> None:
    for share in (0.0, 0.25, 0.5, 1.0):
        image = opened(Card("", "A", share=share))
        y = cards.TALL - cards.MARGIN - 36
        bright = sum(sum(image.getpixel((x, y))) > 500 for x in range(cards.MARGIN, cards.MARGIN + 600))  # type: ignore[arg-type, misc]  # RGB
        assert abs(bright - 600 * share) < 14, share


def test_fingers_are_given_the_readers_or_open() -> None:
    yellow = tuple(int(cards.YOU[at : at + 2], 16) for at in (1, 3, 5))

    def yellows(card: Card) -> int:
        return sum(
            count
            for count, colour in opened(card).crop((0, 400, 1200, 630)).getcolors(1 << 20) or []
            if colour == yellow
        )

    assert yellows(Card("", "A", given=3, open=2)) > 300
    assert yellows(Card("", "A", given=5, open=0)) == 0


def test_a_script_that_no_font_has_shows_hands_and_no_empty_boxes() -> None:
    unwritten = Card("Manyhands", UNWRITTEN, "Pantry", "3 places open", given=2, open=3)
    hands = Card("Manyhands", "\U00012005", "", "", given=2, open=3)
    assert differ(unwritten, hands) is None  # no word of the page is in it, and
    said = differ(unwritten, dataclasses.replace(unwritten, site="Manyhands · Demonstration: nothing here is real"))
    assert said is not None
    assert said[3] <= 130  # whose it is, and that it is a demonstration, is said above them
    assert differ(unwritten, Card("Manyhands", UNWRITTEN, given=2, open=4)) is not None  # and hands say where it stands
    # The control: a title that can be written is.
    assert differ(Card("Manyhands", "Sort and pack"), Card("Manyhands", "Sort and park")) is not None
    # A part that cannot be written is left out, and a pictograph costs nobody the title.
    assert differ(Card("", "A", about=UNWRITTEN), Card("", "A")) is None
    assert differ(Card("", "Soup \U0001f372 tonight"), Card("", "Soup tonight")) is None


def test_titles_are_written_in_every_script_also_beside_another() -> None:
    for number, (title, ending) in enumerate(
        (
            ("توزيع 300 وجبة", "Newark"),
            ("מיון ואריזה", "Newark"),
            ("为难民收集毛毯", "Newark"),
            ("冬物衣類", "Newark"),
            ("겨울 담요", "Newark"),
            ("सर्दियों के लिए", "Newark"),
            ("ผ้าห่มให้ผู้พักพิง", "Newark"),
            ("愛子", "Łódź सर्दियों"),
        )
    ):
        both = f"{title} {ending}"
        if lettering.find_face(both, bold=True, size=84) is None:
            pytest.skip("no font with these letters; enable with: apt-get install " + FONTS_FOR_ALL)
        box = differ(Card("", title), Card("", both))
        assert box is not None, title
        # Its own side: what follows stands on the left of what begins at the right, and the other way round.
        from_right = number < 2
        assert (box[2] <= 1000) if from_right else (box[0] >= 220), (title, box)
        assert box[2] <= cards.WIDTH - cards.MARGIN + 4, title
    # A letter keeps the marks that stand on it when a line is cut.
    face = lettering.find_face("กำลัง ผู้พักพิง", bold=True, size=84)
    assert face is not None
    for line in (*lettering.broken("ผู้พักพิง" * 9, face.getlength, 400), lettering.cut("ที่" * 90, face, 400)):
        assert unicodedata.category(line[0]) == "Lo", line
    # Letters of two fonts in a text from the right would stand in the wrong order: a hand instead.
    assert lettering.find_face("שלום 愛子", bold=True, size=84) is None


@pytest.mark.parametrize("gap", ["", " "])
def test_what_a_long_title_costs_is_bounded(gap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring is what costs, most of all where each letter is in another font: 300 letters took minutes, and all other
    cards waited for them. Counted, so that a busy machine changes nothing."""
    measured: list[int] = []
    measure = lettering.Face.getlength

    def counting(face: lettering.Face, text: str) -> float:
        measured.append(len(text))
        return measure(face, text)

    monkeypatch.setattr(lettering.Face, "getlength", counting)
    two = "愛a" if lettering.find_face("愛a", bold=True, size=84) is not None else "ba"
    long = gap.join(two * 150)
    for draw in (
        lambda: draw_statement(Statement(long, long, long, (long, long))),
        lambda: draw_statement(Statement(long, long, long, (long, long), withdrawn=True)),
        lambda: draw_card(Card(long, long, long, long, given=2, open=3, dated=long)),
    ):
        measured.clear()
        draw_card.cache_clear()
        draw_statement.cache_clear()
        draw()
        assert 20 < len(measured) < 2_000
        assert sum(measured) < 80_000
    # The control: a letter less each time, as it was, is beyond it already in three lines.
    face, rest = lettering.find_face("ba", bold=True, size=84), "ba" * 150
    assert face is not None
    measured.clear()
    for _line in range(3):
        part = rest
        while face.getlength(part) > 1056:
            part = part[:-1]
        rest = rest[len(part) :]
    assert sum(measured) > 80_000


def test_lines_are_as_full_as_they_may_be() -> None:
    def wide(text: str) -> float:
        return 10 * len(text)

    assert [*lettering.broken("one two three " + "x" * 25 + " four", wide, 100)] == [
        "one two", "three", "x" * 10, "x" * 10, "xxxxx four",
    ]  # fmt: skip
    assert [*lettering.broken("", wide, 100)] == []
    # One letter to a line where there is no room for any, marks and all.
    assert [*lettering.broken("xyz", wide, 5)] == ["x", "y", "z"]
    assert "".join(lettering.broken("\u0e17\u0e35\u0e48" * 3, wide, 15)) == "\u0e17\u0e35\u0e48" * 3


def test_whoever_has_a_card_gets_it_anew_when_it_is_drawn_otherwise(
    app: Flask, client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/organizations/{make_organization().slug}/card.png"
    first = client.get(path).headers["ETag"]
    # The control: the same fonts and the same hand.
    assert client.get(path, headers={"If-None-Match": first}).status_code == 304
    seen = {first}
    for where, name, value in (
        (lettering, "FONTS", ()),  # as on a machine to which fonts come or from which they go
        (lettering.features, "check", lambda _feature: False),  # letters are not joined there
        (cards, "DRAWN_BY", "another version of this program"),
    ):
        with monkeypatch.context() as other:
            other.setattr(where, name, value)
            draw_card.cache_clear()
            again = client.get(path, headers={"If-None-Match": first})
        assert again.status_code == 200, name
        seen.add(again.headers["ETag"])
    assert len(seen) == 4
    draw_card.cache_clear()


def test_a_title_from_the_right_leaves_the_logo_its_place() -> None:
    short, long = "\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05dc\u05d5\u05dd \u05dc\u05db\u05dd"
    if lettering.find_face(long, bold=True, size=84) is None:
        pytest.skip("no font with Hebrew letters; enable with: apt-get install fonts-noto-core")
    logo = draw_logo("lantern")
    box = differ(Card("", short, logo=logo), Card("", long, logo=logo))
    assert box is not None
    assert box[2] <= cards.WIDTH - cards.MARGIN - 216
    bare = differ(Card("", short), Card("", long))
    assert bare is not None
    assert bare[2] > box[2]  # without a logo it begins at the margin
    assert bare[0] > 400


def test_without_any_font_of_the_machine_english_is_still_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "FONTS", (("no-such-font.ttf", "no-such-font.ttf"),))
    draw_card.cache_clear()
    assert differ(Card("Manyhands", "Sort and pack"), Card("Manyhands", "Sort and park")) is not None
    draw_card.cache_clear()


def test_every_page_that_may_be_shared_says_what_its_link_shows(app: Flask, client: CheckingClient) -> None:
    organization = make_organization(name='Pantry "North" & Co', description="Groceries <b>for</b> all.")
    need = make_need(organization, title="Sort & pack", description="Every Saturday.")
    make_shift(need, capacity=3)
    fundraiser = make_fundraiser(organization, title="Run for books")
    for path, title, kind in (
        (f"/needs/{encode_id(need.id)}", "Sort &amp; pack", "article"),
        (f"/fundraisers/{fundraiser.slug}", "Run for books", "article"),
        (f"/organizations/{organization.slug}", "Pantry &#34;North&#34; &amp; Co", "website"),
    ):
        said = dict(
            re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]+)" content="([^"]*)">', client.get(path).text)
        )
        assert said["og:title"] == title
        assert said["og:url"] == f"http://localhost{path}"
        assert said["og:type"] == kind
        assert said["og:description"]
        assert said["og:image:alt"].startswith(title)
        assert said["twitter:card"] == "summary_large_image"
        assert said["og:image"] == f"http://localhost{path}/card.png"
        card = client.get(f"{path}/card.png")
        assert card.content_type == "image/png"
        assert str(Image.open(io.BytesIO(card.data)).size) == f"({said['og:image:width']}, {said['og:image:height']})"
        assert "Set-Cookie" not in card.headers
        again = client.get(f"{path}/card.png", headers={"If-None-Match": card.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


@pytest.mark.rule("N1")
def test_a_demonstration_says_so_wherever_its_links_are_shown(
    app: Flask, client: CheckingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fundraiser = make_fundraiser(make_organization())
    need, said = make_need(fundraiser.organization), "Demonstration: nothing here is real"
    fact = make_fact()
    cards = {
        "needs": (f"/needs/{encode_id(need.id)}", f"/share/need/{encode_id(need.id)}", shared.card_of_need, need.id),
        "gifts": (
            f"/fundraisers/{fundraiser.slug}", f"/share/fundraiser/{fundraiser.slug}",
            shared.card_of_fundraiser, fundraiser.slug,
        ),
        "who": (
            f"/organizations/{fundraiser.organization.slug}", f"/share/organization/{fundraiser.organization.slug}",
            shared.card_of_organization, fundraiser.organization.slug,
        ),
    }  # fmt: skip
    before = app.config["SETTINGS"]
    for mode in ("off", "demo"):
        monkeypatch.setitem(app.config, "SETTINGS", dataclasses.replace(before, payments_mode=mode))
        for page, step, card_of, key in cards.values():
            with app.test_request_context():
                card = card_of(key)
            assert card is not None
            head = "".join(re.findall(r'<meta property="og:[^>]+>', client.get(f"{page}?mode={mode}").text))
            assert (said in card.site) == (mode == "demo"), page
            assert head.count(said) == (2 if mode == "demo" else 0), page  # in the text, and instead of the picture
            text = client.get(f"{step}?ready=yes").text
            assert text[text.index("<textarea") :].count(said) >= (2 if mode == "demo" else 0), page
            assert (said in client.get(f"{page}/poster").text) == (mode == "demo"), page
        assert client.get(f"/embed/fundraisers/{fundraiser.slug}?mode={mode}").text.count(said) == (mode == "demo")
        # What can be learned is real in a demonstration, too.
        assert said not in client.get(f"/learn/facts/{fact.slug}").text


def test_what_may_not_be_seen_has_no_card(app: Flask, client: CheckingClient) -> None:
    hidden = make_organization(verified_at=None)
    paths = [
        f"/needs/{encode_id(make_need(hidden).id)}",
        f"/needs/{encode_id(make_need(status='draft').id)}",
        f"/organizations/{hidden.slug}",
        f"/organizations/{make_organization(status='suspended').slug}",
        f"/fundraisers/{make_fundraiser(status='declined').slug}",
        f"/fundraisers/{make_fundraiser(hidden).slug}",
        "/organizations/nobody",
    ]
    for path in paths:
        for page in ("card.png", "poster", "qr.png", "qr.svg"):
            assert client.get(f"{path}/{page}").status_code == 404, (path, page)
        section, _slash, key = path[1:].partition("/")
        assert client.get(f"/share/{section[:-1]}/{key}").status_code == 404, path
    # The control: what may be seen has them all.
    shown = make_organization()
    for path in (
        f"/organizations/{shown.slug}",
        f"/needs/{encode_id(make_need(shown).id)}",
        f"/fundraisers/{make_fundraiser(shown).slug}",
    ):
        for page in ("card.png", "poster", "qr.png", "qr.svg"):
            assert client.get(f"{path}/{page}").status_code == 200, (path, page)
        section, _slash, key = path[1:].partition("/")
        assert client.get(f"/share/{section[:-1]}/{key}").status_code == 200, path


@pytest.mark.rule("N1")
def test_a_preview_for_staff_is_announced_to_nobody(app: Flask, client: CheckingClient, sign_in) -> None:  # type: ignore[no-untyped-def]  # a fixture
    organization = make_organization(verified_at=None)
    need = make_need(organization, status="draft")
    sign_in(make_member(organization, "owner"))
    for path in (f"/needs/{encode_id(need.id)}", f"/organizations/{organization.slug}"):
        page = client.get(path)
        assert page.status_code == 200
        assert "og:" not in page.text
        assert "/share/" not in page.text


@pytest.mark.rule("N6")
def test_a_card_never_says_a_street(app: Flask) -> None:
    private = make_need(private_address=True, address=None)
    with transaction():
        db.session.add(PrivateAddress(need_id=private.id, address="12 Hidden Lane", postal_code="07199"))
    public = make_need(address="5 Open Street")
    for need in (private, public):
        card = shared.card_of_need(need.id)
        assert card is not None
        assert card.about.endswith("Newark, NJ")
        assert "Hidden" not in str(card)
        assert "Street" not in str(card)


def test_a_card_says_where_it_stands(app: Flask) -> None:
    with app.test_request_context("/"):
        places, bags, nothing, filled = make_need(), make_need(), make_need(), make_need()
        make_shift(places, capacity=3)
        make_item(bags, quantity="12")
        make_shift(filled, capacity=0)
        card = shared.card_of_need(places.id)
        assert card is not None
        assert (card.standing, card.given, card.open) == ("3 places open", 0, 3)
        card = shared.card_of_need(bags.id)
        assert card is not None
        assert (card.standing, card.share) == ("12 of 12 wanted", 0.0)
        card = shared.card_of_need(nothing.id)
        assert card is not None
        assert (card.standing, card.share, card.open) == ("", None, 0)
        organization = places.organization
        by = make_member(organization, "owner")
        with transaction():
            set_logo(organization.id, reencode(draw_logo("pantry"), box=320), by=by)
        card = shared.card_of_organization(organization.slug)
        assert card is not None
        assert card.standing == "1 need open"
        assert card.logo is not None
        fundraiser = make_fundraiser(organization, goal_minor=100_000, currency="USD")
        card = shared.card_of_fundraiser(fundraiser.slug)
        assert card is not None
        assert (card.standing, card.share) == ("0% of $1,000", 0.0)
