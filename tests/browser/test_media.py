"""What the look promises beyond the screen of most: paper without navigation, no motion where none is wanted, and outlines
where the system sets every colour."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs import index
from app.pledges.operations import pledge
from app.signups.operations import sign_up
from tests.browser.sites import add_manager, served, sign_in, visit
from tests.factories import make_item, make_need, make_organization, make_person, make_shift

pytestmark = pytest.mark.browser
# On paper: no way around, nothing to press.
ON_SCREEN_ONLY = ".top, .tabs, .foot, .skip, .demo, .toast, .pager, .button, main form, .no-print"


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str, dict[str, str]]]:
    """The site, its address, and the paths of a need, its roster and its poster."""
    with served(tmp_path_factory.mktemp("media")) as (app, address):
        with app.app_context():
            organization = make_organization(slug="pantry", name="Riverside Pantry")
            add_manager(organization)
            need = make_need(organization, title="Soup kitchen")
            shift, item = make_shift(need, capacity=7), make_item(need, name="Bowls")
            ada, grace = make_person(name="Ada Lovelace"), make_person()
            with transaction():
                sign_up(shift.id, by=ada, party_size=1)
                pledge(item.id, by=grace, quantity=Decimal(2))
                index.reindex([need.id])
            found = {
                "roster": f"/manage/pantry/shifts/{encode_id(shift.id)}/roster",
                "poster": f"/needs/{encode_id(need.id)}/poster",
                "need": f"/needs/{encode_id(need.id)}",
                "needs": "/needs",
            }
            db.session.remove()
        yield app, address, found


def shown(page: Page, selector: str) -> list[str]:
    """What of `selector` takes room on the page as it is."""
    found: list[str] = page.evaluate(
        """selector => [...document.querySelectorAll(selector)]
            .filter(one => one.getClientRects().length).map(one => one.outerHTML.slice(0, 80))""",
        selector,
    )
    return found


def test_paper_has_no_navigation_and_the_roster_boxes_to_tick(
    browser: Browser, paths: tuple[Flask, str, dict[str, str]]
) -> None:
    _app, address, found = paths
    with visit(browser, color_scheme="dark") as page:
        sign_in(page, address, found["roster"])
        expect(page.get_by_role("heading", level=1)).to_have_text("Roster: Soup kitchen")
        for name, words in (
            ("roster", "Ada Lovelace"), ("poster", "Soup kitchen"), ("need", "Bowls"), ("needs", "Soup kitchen"),
        ):  # fmt: skip
            page.emulate_media(media="screen")
            page.goto(address + found[name])
            assert shown(page, ON_SCREEN_ONLY), name
            assert not shown(page, ".tick"), name
            page.emulate_media(media="print")
            assert shown(page, ON_SCREEN_ONLY) == [], name
            expect(page.get_by_text(words).first).to_be_visible()
            colours = page.evaluate(
                "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
            )
            assert colours == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"], name
            assert bool(shown(page, ".tick")) is (name == "roster")


def test_nothing_moves_where_no_motion_is_wanted(browser: Browser, paths: tuple[Flask, str, dict[str, str]]) -> None:
    _app, address, found = paths
    moving = """() => [...document.querySelectorAll("*")].filter(one => {
        const style = getComputedStyle(one);
        return style.animationName !== "none" || style.transitionDuration.split(", ").some(time => parseFloat(time) > 0)
            || style.scrollBehavior === "smooth";
    }).length"""
    with visit(browser) as page:
        for path in ("/", found["needs"], found["need"], "/register"):
            page.emulate_media(reduced_motion="reduce")
            page.goto(address + path)
            assert page.evaluate(moving) == 0, path
            page.emulate_media(reduced_motion="no-preference")
            assert page.evaluate(moving) > 0, path


def test_where_the_system_sets_the_colours_outlines_stay(
    browser: Browser, paths: tuple[Flask, str, dict[str, str]]
) -> None:
    _app, address, found = paths
    bare = """selector => [...document.querySelectorAll(selector)].filter(one => one.getClientRects().length)
        .filter(one => ["none", "hidden"].includes(getComputedStyle(one).borderTopStyle))
        .map(one => one.outerHTML.slice(0, 80))"""
    has_ring = """() => {
        const one = document.activeElement;
        const ring = style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
        return one === document.body || [one, one.closest(".chip")].some(it => it && ring(getComputedStyle(it)))
            || ring(getComputedStyle(one, "::after"));
    }"""
    with visit(browser, forced_colors="active") as page:
        for path in (found["needs"], found["need"], "/register"):
            page.goto(address + path)
            assert page.evaluate("matchMedia('(forced-colors: active)').matches")
            boxes = "main .button, .chip, .panel, .notice, main input:not([type=hidden], [type=checkbox], [type=radio]), select"
            assert page.evaluate(bare, boxes) == [], path
            # What has the focus has an outline, all the way down the page.
            for _step in range(12):
                page.keyboard.press("Tab")
                assert page.evaluate(has_ring), (path, page.evaluate("document.activeElement.outerHTML.slice(0, 100)"))
        # A picture is lines in the system's own colour, not a background that is taken away.
        page.goto(address + found["need"])
        colours = page.evaluate(
            "[...document.querySelectorAll('.hands, .strip')].map(one => getComputedStyle(one).color)"
        )
        assert set(colours) == {page.evaluate("getComputedStyle(document.body).color")}
