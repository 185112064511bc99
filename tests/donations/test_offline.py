"""Gifts in person: by staff at once, by the starter once staff confirmed them, taken back with a reversal; and what donors
write: kept from the page by a word, by staff, by the starter, reported by anybody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.ids import encode_id
from app.core.money import Money
from app.core.outbox import Outbox
from app.donations import ledger
from app.donations.checks import check_ledger
from app.donations.messages import HIDDEN_AFTER, hide_message, is_suspect, report_message, show_message
from app.donations.models import Donation
from app.donations.operations.offline import confirm_offline, record_offline, undo_offline
from app.donations.page_checks import check_tallies
from app.donations.payees import Payee, find_payee
from app.donations.queries import list_public_donations, totals
from app.fundraisers.models import Fundraiser
from tests.conftest import CheckingClient
from tests.factories import make_fundraiser, make_member, make_organization, make_person
from tests.fundraisers.test_page import make_gift

SignIn = Callable[..., CheckingClient]


def begin() -> tuple[Fundraiser, Person, Person]:
    """A page, who started it, and an owner."""
    starter, organization = make_person(), make_organization()
    return make_fundraiser(organization, started_by_id=starter.id), starter, make_member(organization, "owner")


def record(fundraiser: Fundraiser, by: Person, minor: int = 2000, **values: object) -> Donation:
    usual: dict[str, object] = {"name": "The bake sale", "received_on": today(fundraiser.organization.time_zone)}
    usual["mode"] = "off"
    with transaction():
        return record_offline(fundraiser.id, by=by, amount=Money(minor, "USD"), **usual | values)  # type: ignore[arg-type]


def offline(fundraiser: Fundraiser) -> int:
    db.session.rollback()
    return totals([fundraiser.id])[fundraiser.id].offline.amount_minor


@pytest.mark.rule("F2")
def test_what_the_starter_records_counts_once_staff_confirm_it(app: Flask) -> None:
    fundraiser, starter, owner = begin()
    gift = record(fundraiser, starter)
    assert (gift.status, gift.source, offline(fundraiser)) == ("recorded", "offline", 0)
    told = sa.select(sa.func.count()).select_from(Outbox).where(Outbox.kind == "mail_offline_waiting")
    assert db.session.scalar(told) >= 1  # type: ignore[operator]
    assert check_ledger()[1] == []
    for _time in range(2):
        with transaction():
            confirm_offline(gift.id, by=owner)
    assert offline(fundraiser) == 2000
    assert ledger.balances(fundraiser.organization_id) == {("offline", "USD"): 2000, ("donations", "USD"): -2000}
    with pytest.raises(Refused), transaction():
        undo_offline(gift.id, by=starter)  # confirmed: for staff alone
    for _time in range(2):
        with transaction():
            undo_offline(gift.id, by=owner)
    assert offline(fundraiser) == 0
    assert ledger.balances(fundraiser.organization_id) == {("offline", "USD"): 0, ("donations", "USD"): 0}
    with pytest.raises(Refused), transaction():
        confirm_offline(gift.id, by=owner)
    assert [*check_ledger()[1], *check_tallies()[1]] == []
    actions = list(db.session.scalars(sa.select(AuditEvent.action).where(AuditEvent.action.like("donation.%"))))
    assert actions == ["donation.recorded", "donation.confirmed", "donation.taken_back"]


def test_the_starter_takes_back_what_waits_and_bad_input_is_said_at_its_field(app: Flask) -> None:
    fundraiser, starter, owner = begin()
    gift = record(fundraiser, starter, key="a form")
    assert record(fundraiser, starter, key="a form").id == gift.id
    with transaction():
        assert undo_offline(gift.id, by=starter).state == "cancelled"
    tomorrow = today(fundraiser.organization.time_zone) + dt.timedelta(days=1)
    for minor, values, field in ((0, {}, "amount"), (100, {"received_on": tomorrow}, "received_on")):
        with pytest.raises(InvalidInput) as refused:
            record(fundraiser, owner, minor, **values)
        assert field in refused.value.errors
    assert offline(fundraiser) == 0


def test_by_the_pages(
    app: Flask, client: CheckingClient, sign_in: SignIn, new_client: Callable[[], CheckingClient]
) -> None:
    fundraiser, starter, owner = begin()
    path, day = f"/fundraisers/{fundraiser.slug}", today(fundraiser.organization.time_zone).isoformat()
    theirs, staff = sign_in(starter, client), sign_in(owner, new_client())
    form = {"amount": "12.50", "name": "Rosa", "received_on": day, "anonymous": "no", "message": "From my class."}
    assert theirs.post(f"{path}/gifts-in-person", data={**form, "amount": "x"}).status_code == 422
    assert theirs.post(f"{path}/gifts-in-person", data=form).status_code == 303
    gift = db.session.scalars(sa.select(Donation)).one()
    assert "Waits for the organization" in theirs.get(f"{path}/gifts-in-person").text
    assert theirs.post(f"{path}/gifts-in-person/{encode_id(gift.id)}/confirm").status_code == 404
    assert staff.post(f"{path}/gifts-in-person/{encode_id(gift.id)}/confirm").status_code == 303
    page = new_client().get(path).text
    for words in ("given in person", "From my class.", "$12.50"):
        assert words in page
    assert staff.post(f"{path}/gifts-in-person/{encode_id(gift.id)}/undo").status_code == 303
    assert "From my class." not in new_client().get(path).text


@pytest.mark.rule("F9")
def test_the_starter_reads_no_name_that_staff_wrote_down_of_somebody_anonymous(app: Flask, sign_in: SignIn) -> None:
    fundraiser, starter, owner = begin()
    record(fundraiser, owner, 700, name="Quiet Quince")
    record(fundraiser, owner, 800, name="Loud Lime", anonymous=False)
    record(fundraiser, starter, 900, name="Class Three")
    path = f"/fundraisers/{fundraiser.slug}"
    theirs = sign_in(starter)
    shown = theirs.get(f"{path}/gifts-in-person").text
    assert "Quiet Quince" not in shown + theirs.get(path).text
    assert "Loud Lime" in shown
    assert "Class Three" in shown
    assert "Quiet Quince" in sign_in(owner).get(f"{path}/gifts-in-person").text


def test_a_gift_in_person_does_not_make_its_organization_the_one_that_is_paid_online(app: Flask) -> None:
    fundraiser, _starter, _owner = begin()
    paid = fundraiser.organization_id
    make_gift(fundraiser, 500)
    with transaction():
        db.session.execute(sa.update(Donation).values(mode="live"))
    assert find_payee(paid, "live", connect=False) == Payee(None)
    other, _starter, of_other = begin()
    record(other, of_other, mode="live")
    with transaction():  # written down before the first gift online
        db.session.execute(
            sa.update(Donation).where(Donation.source == "offline").values(created_at=now() - dt.timedelta(days=9))
        )
    assert find_payee(paid, "live", connect=False) == Payee(None)
    assert find_payee(other.organization_id, "live", connect=False) is None


# --- messages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "suspect"),
    [
        ("Sleep well, whoever you are.", False),
        ("Greetings from Scunthorpe and Penistone!", False),
        ("You sh1t", True),
        ("FÜCK? No: fuck", True),
        ("Win money at www.example.org", True),
        ("see example.com", True),
        ("I was in class, it was a classic.", False),
    ],
)
def test_a_word_of_the_list_and_a_link_make_somebody_look(message: str, suspect: bool) -> None:
    assert is_suspect(message) is suspect


@pytest.mark.rule("F9")
def test_for_whom_somebody_gave_is_reported_hidden_and_shown_without_a_message_too(
    app: Flask, client: CheckingClient, sign_in: SignIn
) -> None:
    fundraiser, starter, owner = begin()
    make_gift(fundraiser, 500, dedication="memory", dedicated_to="A mean joke")
    gift = db.session.scalars(sa.select(Donation)).one()
    path = f"/fundraisers/{fundraiser.slug}"
    report = f"{path}/messages/{encode_id(gift.id)}/report"
    assert report in client.get(path).text
    assert "A mean joke" in client.get(report).text
    assert client.post(report, data={"reason": "mocks somebody"}).status_code == 303
    page = sign_in(starter).get(f"{path}/messages").text
    assert "A mean joke" in page
    assert "mocks somebody" in page
    for act, is_shown in (("hide", False), ("show", True)):
        staff = sign_in(owner)
        assert staff.post(f"{path}/messages/{encode_id(gift.id)}", data={"act": act}).status_code == 303
        assert ("A mean joke" in client.get(path).text) is is_shown


@pytest.mark.rule("F9")
def test_a_message_is_hidden_shown_and_reported(app: Flask, client: CheckingClient) -> None:
    fundraiser, starter, owner = begin()
    for number, words in enumerate(("Well done.", "What a shit show.")):
        make_gift(fundraiser, 500 + number, message=words, anonymous=False)
    kind, rude = db.session.scalars(sa.select(Donation).order_by(Donation.amount_minor)).all()
    given = record(fundraiser, owner, 700, message="Visit www.example.org now")
    assert given.hidden_by == "words"

    def shown() -> set[str]:
        db.session.rollback()
        return {row.message for row in list_public_donations(fundraiser.id).rows}

    assert shown() == {"Well done.", "What a shit show.", ""}
    with transaction():
        hide_message(rude.id, by=owner, reason="rude")
    with pytest.raises(Refused), transaction():
        show_message(rude.id, by=starter)  # what staff hid, staff show
    with transaction():
        show_message(given.id, by=starter)
        hide_message(kind.id, by=starter, reason="a slip")
    assert shown() == {"Visit www.example.org now", ""}
    with transaction():
        show_message(kind.id, by=owner)
    path = f"/fundraisers/{fundraiser.slug}/messages/{encode_id(kind.id)}/report"
    for _time in range(HIDDEN_AFTER):
        assert "Well done." in shown()
        assert client.post(path, data={"reason": "not nice"}).status_code == 303
    assert "Well done." not in shown()  # hidden until somebody looked
    assert client.get(path).status_code == 404
    told = sa.select(sa.func.count()).select_from(Outbox).where(Outbox.kind == "mail_message_reported")
    assert db.session.scalar(told) == 1
    with transaction():
        report_message(kind.id, by=None, reason="again")
        show_message(kind.id, by=starter)
    assert "Well done." in shown()
