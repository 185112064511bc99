"""What a program shows before a gift, and what a donor may choose through it: covering the fee, Gift Aid."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.core.ids import decode_id
from app.donations.gift_aid import ONE_GIFT
from app.donations.receipt_models import GiftAidDeclaration
from tests.api.test_main_job import Caller
from tests.donations.conftest import Giving
from tests.factories import make_fundraiser, make_member, make_organization, make_person

GIFT = {"amount_minor": 2500, "currency": "USD", "email": "rosa@example.org", "name": "Rosa", "anonymous": True}
DECLARED = {
    "wording": ONE_GIFT, "first_name": "Rosa", "last_name": "Delgado", "address": "12 Mare Street", "postal_code": "e8 3re",
}  # fmt: skip


def test_a_program_shows_what_would_be_paid_before_it_is(giving: Giving) -> None:
    path, public = f"/fundraisers/{giving.fundraiser().slug}", Caller(giving.app, None)
    bare = public("GET", f"{path}/giving").json
    assert (bare["accepts_gifts"], bare["covered"], bare["gift_aid"]) == (True, None, None)
    assert bare["fee"] == {"percent": "2.9", "fixed": {"amount_minor": 30, "currency": "USD"}}
    assert len(bare["suggested_amounts"]) == 4
    covered = public("GET", f"{path}/giving?amount_minor=2500").json["covered"]
    assert [covered[name]["amount_minor"] for name in ("gift", "cover_fee", "total")] == [2500, 106, 2606]
    public("POST", f"{path}/donations", GIFT | {"cover_fee": True})
    assert giving.server.sessions()[0]["amount_total"] == 2606  # exactly what was shown
    for amount in ("49", "-1", str(10**30)):
        wrong = public("GET", f"{path}/giving?amount_minor={amount}")
        assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "amount_minor"), amount


def test_gift_aid_is_declared_in_the_words_that_were_shown_and_told_to_nobody(giving: Giving) -> None:
    organization = make_organization(country="GB", currency="GBP", name="Hackney Pantry", time_zone="Europe/London")
    giving._fundraisers["GBP"] = make_fundraiser(organization)
    path, donor = f"/fundraisers/{giving.fundraiser('GBP').slug}", Caller(giving.app, make_person())
    words = donor("GET", f"{path}/giving").json["gift_aid"]
    assert words["wording"] == ONE_GIFT
    assert words["agreed"] == "I want to Gift Aid my donation to Hackney Pantry."
    assert "UK taxpayer" in words["told"]
    body = GIFT | {"currency": "GBP", "gift_aid": DECLARED}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"gift_aid": DECLARED | {"wording": "hmrc-1999"}}, "gift_aid.wording"),
        ({"gift_aid": DECLARED | {"address": "  "}}, "gift_aid.address"),
        ({"gift_aid": {"wording": ONE_GIFT}}, "gift_aid.first_name"),
        ({"hide_from_organization": True}, "gift_aid"),
        ({"company": "Rosa & Co"}, "gift_aid"),
    ]
    for changes, field in wrong:
        answer = donor("POST", f"{path}/donations", body | changes)
        assert (answer.status_code, field in [error["field"] for error in answer.json["errors"]]) == (422, True), field
    elsewhere = donor("POST", f"/fundraisers/{giving.fundraiser().slug}/donations", GIFT | {"gift_aid": DECLARED})
    assert (elsewhere.status_code, elsewhere.json["errors"][0]["field"]) == (422, "gift_aid")
    made = donor("POST", f"{path}/donations", body)
    assert made.status_code == 201, made.json
    declared = db.session.scalars(sa.select(GiftAidDeclaration)).one()
    assert (declared.donation_id, declared.postal_code) == (decode_id(made.json["donation_id"]), "E8 3RE")
    staff = Caller(giving.app, make_member(organization, "owner"))
    for who in (donor, staff):
        assert "Mare Street" not in who("GET", f"/donations/{made.json['donation_id']}").text


@pytest.mark.rule("F4")
def test_staff_list_the_gifts_that_became_something(giving: Giving, work_off: Any) -> None:
    organization = make_organization()
    giving._fundraisers["USD"] = make_fundraiser(organization)
    other = make_fundraiser(organization)
    staff = Caller(giving.app, make_member(organization, "manager"))
    path, slug = f"/organizations/{organization.slug}/donations", giving.fundraiser().slug
    giving.give("10")  # a page at Stripe that nobody paid
    giving.act(giving.give("25", name="Ayo"), "pay")
    giving.act(giving.give("30", name="Hidden", hide_from_organization="y"), "pay")
    giving.act(giving.give("40", name="Late"), "pay_later")
    giving.deliver_all()
    work_off()
    listed = staff("GET", path).json["data"]
    assert [(row["name"], row["status"]) for row in listed] == [
        ("Late", "processing"), (None, "paid"), ("Ayo", "paid"),
    ]  # fmt: skip
    assert [row["email"] for row in listed] == ["rosa@example.org", None, "rosa@example.org"]
    assert {row["url"] for row in listed} == {None}  # the donor's own page is the donor's
    assert [row["name"] for row in staff("GET", f"{path}?status=processing&fundraiser={slug}").json["data"]] == ["Late"]
    assert staff("GET", f"{path}?fundraiser={other.slug}").json["data"] == []
    first = staff("GET", f"{path}?limit=2").json
    rest = staff("GET", f"{path}?limit=2&cursor={first['next_cursor']}").json
    assert [row["name"] for row in rest["data"]] == ["Ayo"]
    assert rest["next_cursor"] is None
