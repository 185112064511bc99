"""The API's part of giving: what is known of a gift, going on with it, cancelling it; the fundraiser's public gifts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from app.accounts.models import Person
from app.accounts.operations import create_token
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.donations import going_back
from app.donations.models import Donation
from tests.donations.conftest import Giving, WorkOff
from tests.factories import make_fundraiser, make_member, make_organization, make_person

GIFT = {"amount_minor": 2500, "currency": "USD", "email": "rosa@example.org", "name": "Rosa"}


class Caller:
    """Somebody's program."""

    def __init__(self, giving: Giving, browser: Any, person: Person | None, scopes: tuple[str, ...]) -> None:
        self.browser = browser
        self.headers = {}
        if person is not None:
            with transaction():
                self.headers["Authorization"] = f"Bearer {create_token(person, scopes=list(scopes))}"
        self.slug = giving.fundraiser().slug

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """Status and answer."""
        response = self.browser.open(
            f"/api/v1{path}", method=method, json=body, headers={**self.headers, **headers}, csrf=False
        )
        return response.status_code, response.get_json()


@pytest.fixture
def caller(giving: Giving, new_client: Callable[[], Any]) -> Callable[..., Caller]:
    """Make callers: of a person, or of nobody."""

    def made(person: Person | None, *scopes: str) -> Caller:
        return Caller(giving, new_client(), person, scopes or ("donations:read", "donations:write"))

    return made


def test_a_gift_tells_its_state_and_where_to_go_on(
    giving: Giving, work_off: WorkOff, caller: Callable[..., Caller]
) -> None:
    donor = caller(make_person())
    status, begun = donor.call("POST", f"/fundraisers/{donor.slug}/donations", GIFT)
    assert status == 201
    address = f"/donations/{begun['donation_id']}"
    _status, gift = donor.call("GET", address)
    assert (gift["status"], gift["may_resume"], gift["checkout_url"]) == ("pending", True, begun["checkout_url"])
    assert gift["url"] == begun["url"]
    assert giving.client.get("/donations/" + begun["url"].rpartition("/")[2]).status_code == 200
    status, same = donor.call("POST", f"{address}/resume", {})
    assert (status, same["checkout_url"]) == (200, begun["checkout_url"])
    status, other = donor.call("POST", f"{address}/resume", {"amount_minor": 4000, "currency": "USD"})
    assert (status, other["amount"]["amount_minor"]) == (200, 4000)
    assert other["checkout_url"] != begun["checkout_url"]
    status, gone = donor.call("POST", f"{address}/cancel", {})
    assert (status, gone["status"], gone["checkout_url"]) == (200, "cancelled", None)
    _status, again = donor.call("POST", f"{address}/resume")
    session = again["checkout_url"].rpartition("/")[2]
    giving.server.act(session, "decline")
    giving.deliver_all()
    work_off()
    _status, gift = donor.call("GET", address)
    assert (gift["status"], gift["reason"]) == ("pending", "card_declined")
    giving.server.act(session, "pay")
    giving.deliver_all()
    work_off()
    _status, gift = donor.call("GET", address)
    assert (gift["status"], gift["reason"], gift["may_resume"], gift["checkout_url"]) == ("paid", None, False, None)
    status, paid = donor.call("POST", f"{address}/cancel", {})
    assert (status, paid["status"]) == (200, "paid")
    assert [session["status"] for session in giving.server.sessions()].count("open") == 0


def test_the_same_request_with_its_key_is_one_try(giving: Giving, caller: Callable[..., Caller]) -> None:
    donor = caller(make_person())
    _status, begun = donor.call("POST", f"/fundraisers/{donor.slug}/donations", GIFT)
    address = f"/donations/{begun['donation_id']}/resume"
    answers = [donor.call("POST", address, {"amount_minor": 4000}, **{"Idempotency-Key": "k"}) for _time in range(2)]
    assert answers[0] == answers[1]
    assert donor.call("POST", address, {"amount_minor": 5000}, **{"Idempotency-Key": "k"})[0] == 409
    assert len(giving.server.sessions()) == 2


@pytest.mark.rule("F6")
def test_a_refund_whose_answer_was_never_kept_is_not_made_twice(
    giving: Giving, caller: Callable[..., Caller], work_off: WorkOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = giving.give("25")
    giving.act(given, "pay")
    giving.deliver_all()
    work_off()
    organization = giving.donation(given).fundraiser.organization
    staff = caller(make_member(organization, "owner"))
    address, part = f"/donations/{encode_id(given.donation_id)}/refund", {"amount_minor": 500}
    with monkeypatch.context() as dying:
        dying.setattr(going_back, "ask_refund", lambda refund_id: 1 / 0)  # the row is committed, the answer is not
        with pytest.raises(ZeroDivisionError):
            staff.call("POST", address, part, **{"Idempotency-Key": "k"})
    status, body = staff.call("POST", address, part, **{"Idempotency-Key": "k"})
    assert (status, [row["amount"]["amount_minor"] for row in body["refunds"]]) == (200, [500])
    _status, body = staff.call("POST", address, part, **{"Idempotency-Key": "another"})
    assert [row["amount"]["amount_minor"] for row in body["refunds"]] == [500, 500]


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"amount_minor": 49}, 422),
        ({"amount_minor": -1}, 422),
        ({"amount_minor": 10**30}, 422),
        ({"amount_minor": 2500, "currency": "EUR"}, 422),
        ({"amount_minor": "25"}, 422),
    ],
)
def test_an_amount_that_cannot_be_charged_is_refused(
    giving: Giving, caller: Callable[..., Caller], body: dict[str, Any], status: int
) -> None:
    donor = caller(make_person())
    _status, begun = donor.call("POST", f"/fundraisers/{donor.slug}/donations", GIFT)
    assert donor.call("POST", f"/donations/{begun['donation_id']}/resume", body)[0] == status
    assert len(giving.server.sessions()) == 1


@pytest.mark.rule("A1")
def test_only_its_donor_goes_on_with_it_and_staff_get_no_way_in(giving: Giving, caller: Callable[..., Caller]) -> None:
    owner = make_person()
    giving._fundraisers["USD"] = make_fundraiser(make_organization(owner))
    donor = caller(make_person())
    _status, begun = donor.call("POST", f"/fundraisers/{donor.slug}/donations", GIFT)
    address = f"/donations/{begun['donation_id']}"
    staff = caller(owner)
    status, seen = staff.call("GET", address)
    assert (status, seen["url"], seen["checkout_url"], seen["may_resume"]) == (200, None, None, False)
    for who in (staff, caller(make_person())):
        for act in ("resume", "cancel"):
            assert who.call("POST", f"{address}/{act}", {})[0] == 404
    assert caller(None).call("POST", f"{address}/resume", {})[0] == 401
    reader = caller(db.session.get(Person, db.session.scalar(sa.select(Donation.person_id))), "donations:read")
    assert reader.call("POST", f"{address}/cancel", {})[0] == 403


def test_when_stripe_is_silent_the_answer_is_503_and_the_same_again_goes_on(
    giving: Giving, caller: Callable[..., Caller]
) -> None:
    donor = caller(make_person())
    _status, begun = donor.call("POST", f"/fundraisers/{donor.slug}/donations", GIFT)
    address = f"/donations/{begun['donation_id']}"
    giving.server.hook("POST", "faults", {"mode": "500", "times": 100})
    for act in ("resume", "cancel"):
        assert donor.call("POST", f"{address}/{act}", {})[0] == 503
    giving.server.hook("DELETE", "faults")
    assert donor.call("POST", f"{address}/resume", {})[1]["checkout_url"] == begun["checkout_url"]


@pytest.mark.rule("F9")
def test_a_fundraiser_shows_where_it_stands_and_its_gifts_without_hidden_names(
    giving: Giving, work_off: WorkOff, caller: Callable[..., Caller]
) -> None:
    giving._fundraisers["USD"] = make_fundraiser(make_organization(), goal_minor=5000)
    giving.act(giving.give("30", name="Hidden"), "pay")
    giving.act(giving.give("29", name="Ayo", anonymous="no"), "pay")
    giving.act(giving.give("10"), "pay_later")
    giving.deliver_all()
    work_off()
    anybody = caller(None)
    _status, shown = anybody.call("GET", f"/fundraisers/{anybody.slug}")
    assert (shown["goal_reached"], shown["accepts_gifts"], shown["ended_at"], shown["outcome"]) == (
        True,
        True,
        None,
        "",
    )
    assert shown["raised"]["settled"]["amount_minor"] == 5900
    assert shown["raised"]["processing"]["amount_minor"] == 1000
    _status, gifts = anybody.call("GET", f"/fundraisers/{anybody.slug}/donations")
    assert [(gift["name"], gift["amount"]["amount_minor"]) for gift in gifts["data"]] == [("Ayo", 2900), (None, 3000)]
    assert encode_id(giving.given[0].donation_id) not in str(gifts)
