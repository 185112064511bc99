"""Gifts in person: by staff at once, by the starter once staff confirmed them, taken back with a reversal; and what donors
write: kept from the page by a word, by staff, by the starter, reported by anybody."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Callable
from typing import Any

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
from app.donations import ledger, messages
from app.donations.checks import check_ledger
from app.donations.messages import HIDDEN_AFTER, hide_message, report_message, show_message
from app.donations.models import Donation
from app.donations.operations.offline import confirm_offline, record_offline, undo_offline
from app.donations.page_checks import check_tallies
from app.donations.page_parts import list_leaders
from app.donations.payees import Payee, find_payee
from app.donations.queries import list_public_donations, totals
from app.donations.tally_models import MessageReport
from app.fundraisers.models import Fundraiser
from app.fundraisers.operations import edit_fundraiser, start_fundraiser
from app.fundraisers.screening import is_suspect
from tests.conftest import CheckingClient
from tests.factories import make_fundraiser, make_member, make_organization, make_person
from tests.fundraisers.test_page import make_gift

SignIn = Callable[..., CheckingClient]


def begin() -> tuple[Fundraiser, Person, Person]:
    """A page, who started it, and an owner."""
    starter, organization = make_person(), make_organization()
    return make_fundraiser(organization, started_by_id=starter.id), starter, make_member(organization, "owner")


def record(fundraiser: Fundraiser, by: Person, minor: int = 2000, **values: Any) -> Donation:
    usual: dict[str, Any] = {"name": "The bake sale", "received_on": today(fundraiser.organization.time_zone)}
    usual["mode"] = "off"
    with transaction():
        return record_offline(fundraiser.id, by=by, amount=Money(minor, "USD"), **usual | values)


def offline(fundraiser: Fundraiser) -> int:
    db.session.rollback()
    return totals([fundraiser.id])[fundraiser.id].offline.amount_minor


@pytest.mark.rule("F2")
def test_what_the_starter_records_counts_once_staff_confirm_it(app: Flask) -> None:
    fundraiser, starter, owner = begin()
    gift = record(fundraiser, starter)
    assert (gift.status, gift.source, offline(fundraiser)) == ("recorded", "offline", 0)
    told = sa.select(sa.func.count()).select_from(Outbox).where(Outbox.kind == "mail_offline_waiting")
    assert (db.session.scalar(told) or 0) >= 1
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
    events = sa.select(AuditEvent.action).where(AuditEvent.action.like("donation.%")).order_by(AuditEvent.id)
    actions = list(db.session.scalars(events))
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
def test_names_are_held_reported_hidden_and_shown_as_messages_are(
    app: Flask, client: CheckingClient, sign_in: SignIn
) -> None:
    fundraiser, starter, owner = begin()
    moderator = make_person(platform_role="moderator")
    held = record(fundraiser, owner, 700, name="A fucking circus", anonymous=False, message="For the beds.")
    make_gift(fundraiser, 500, name="Kind Kofi", anonymous=False)
    make_gift(
        fundraiser, 600, name="Rosa", company="Win at casino.xyz", anonymous=False
    )  # from before names were screened
    quiet = record(fundraiser, owner, 800, name="fuck", anonymous=True)
    gifts = {gift.amount_minor: gift.id for gift in db.session.scalars(sa.select(Donation))}
    assert (held.name_hidden_by, held.hidden_by, quiet.name_hidden_by) == ("words", "", "")
    path = f"/fundraisers/{fundraiser.slug}"

    def address(minor: int) -> str:
        return f"{path}/messages/{encode_id(gifts[minor])}"

    page = client.get(path).text
    assert "circus" not in page
    assert re.search(r"<h3>A supporter</h3>\s*<p>For the beds.</p>", page)
    assert [leader.name for leader in list_leaders(fundraiser.id)] == ["Win at casino.xyz", "Kind Kofi"]
    listed = client.get(f"/api/v1{path}/donations").get_json()["data"]
    assert "circus" not in str(listed)
    # Anybody reports a name; after a few reports it is held until somebody looked.
    assert address(600) + "/report" in page
    for number in range(HIDDEN_AFTER):
        assert "casino" in client.get(path).text
        here, said = {"REMOTE_ADDR": f"192.0.2.{number}"}, {"reason": "an advertisement"}
        assert client.post(f"{address(600)}/report", data=said, environ_base=here).status_code == 303
    assert "casino" not in client.get(path).text
    assert client.get(f"{address(600)}/report").status_code == 404
    # Who tends the page sees what waits, and decides; a name that nobody asked about is a link away.
    tended = sign_in(starter, client)
    waiting = tended.get(f"{path}/messages").text
    assert all(words in waiting for words in ("A fucking circus", "Win at casino.xyz", "an advertisement"))
    assert "Kind Kofi" not in waiting
    assert address(500) in tended.get(path).text
    assert "Kind Kofi" in tended.get(address(500)).text
    assert tended.post(address(700), data={"act": "show", "part": "name"}).status_code == 303
    assert "A fucking circus" in tended.get(path).text
    # What a moderator hides, neither staff nor the starter shows; what staff hide, only they and moderators show.
    assert sign_in(moderator, client).post(address(500), data={"act": "hide", "part": "name"}).status_code == 303
    refused = sign_in(owner, client).post(address(500), data={"act": "show", "part": "name"})
    assert refused.status_code == 409
    assert "Kind Kofi" not in client.get(path).text
    assert client.post(address(700), data={"act": "hide", "part": "name", "reason": "rude"}).status_code == 303
    assert sign_in(starter, client).post(address(700), data={"act": "show", "part": "name"}).status_code == 409
    assert sign_in(moderator, client).post(address(500), data={"act": "show", "part": "name"}).status_code == 303
    assert sign_in(make_person(), client).get(f"{path}/messages").status_code == 404
    told = db.session.scalars(
        sa.select(AuditEvent.action).where(AuditEvent.action.like("donation.name_%")).order_by(AuditEvent.id)
    ).all()
    assert told == [
        *["donation.name_reported"] * HIDDEN_AFTER, "donation.name_shown", "donation.name_hidden", "donation.name_hidden",
        "donation.name_shown",
    ]  # fmt: skip


def test_a_title_that_somebody_should_look_at_waits_and_is_no_edit_away(app: Flask) -> None:
    organization = make_organization(auto_approve_fundraisers=True)
    starter, owner = make_person(), make_member(organization, "owner")

    def start(title: str, by: Person) -> Fundraiser:
        with transaction():
            return start_fundraiser(
                organization.id, by=by, title=title, story="For the beds.", goal=Money(100_000, "USD"), is_team=True
            )

    assert start("The bastards of Broad Street", starter).status == "awaiting_approval"
    assert start("The bastards of Bond Street", owner).status == "live"
    team = start("The friends of Broad Street", starter)
    assert team.status == "live"
    for by, is_taken in ((starter, False), (owner, True)):
        with contextlib.nullcontext() if is_taken else pytest.raises(InvalidInput), transaction():
            edit_fundraiser(
                team.id, by=by, title="Shit street", story="For the beds.", goal=Money(100_000, "USD"), ends_on=None,
                show_starter=False,
            )  # fmt: skip


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
    for number in range(HIDDEN_AFTER):
        assert "Well done." in shown()
        here = {"REMOTE_ADDR": f"192.0.2.{number}"}
        assert client.post(path, data={"reason": "not nice"}, environ_base=here).status_code == 303
    assert "Well done." not in shown()  # hidden until somebody looked
    assert "Well done." not in client.get(path).text  # of the gift only the name is left to report
    told = sa.select(sa.func.count()).select_from(Outbox).where(Outbox.kind == "mail_message_reported")
    assert db.session.scalar(told) == 1
    with transaction():
        report_message(kind.id, by=None, network="192.0.2.99", reason="again")
        show_message(kind.id, by=starter)
    assert "Well done." in shown()


FIRST, SECOND, THIRD = "192.0.2.1", "2001:db8:0:1::1", "2001:db8:0:2::1"
# From where each report comes, and whether with an account: the last hides it, and none before.
READERS = {
    "networks": [(FIRST, ""), (SECOND, ""), (FIRST, ""), ("2001:db8:0:1::2", ""), (THIRD, "")],
    "accounts": [(FIRST, "ann"), (FIRST, "bob"), (FIRST, "ann"), (SECOND, "bob"), (FIRST, ""), (FIRST, "cay")],
    "without it, too": [(FIRST, ""), (FIRST, "ann"), (SECOND, "bob"), (SECOND, ""), (THIRD, "bob"), (THIRD, "")],
}


@pytest.mark.rule("F9")
@pytest.mark.parametrize("guarded", [True, False])
@pytest.mark.parametrize("case", READERS)
def test_three_different_readers_hide_a_message_and_nobody_alone(
    app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, case: str, guarded: bool
) -> None:
    if not guarded:  # the control: with reports counted as they come, the third hides it, whoever makes it
        monkeypatch.setattr(messages, "_is_said", lambda _made, _reports: False)
        monkeypatch.setattr(messages, "_readers", len)
    fundraiser, starter, _owner = begin()
    make_gift(fundraiser, 500, message="Well done.", anonymous=False)
    gift = db.session.scalars(sa.select(Donation)).one()
    path = f"/messages/{encode_id(gift.id)}/report"
    people = {name: make_person() for name in ("ann", "bob", "cay")}
    hidden = []
    for number, (address, name) in enumerate(READERS[case]):
        browser = app.test_client()
        if name:
            sign_in(people[name], browser)
        here, data = {"REMOTE_ADDR": address}, {"reason": "not nice", "part": "message"}
        if number % 2 and not name:  # the API answers alike, and its token is an account as well
            said = browser.post(f"/api/v1{path}", json=data, environ_base=here)
            assert said.status_code == (404 if "words" in hidden else 200)
        else:
            said = browser.post(f"/fundraisers/{fundraiser.slug}{path}", data=data, environ_base=here)
            assert said.status_code == 303
        db.session.expire_all()
        hidden.append(gift.hidden_by)
    if not guarded:
        assert hidden[HIDDEN_AFTER - 1] == "words"
        return
    assert hidden == [""] * (len(READERS[case]) - 1) + ["words"]
    reports = db.session.scalars(sa.select(MessageReport).order_by(MessageReport.id)).all()
    # Neither the addresses, nor in the trail who it was; where from is known until it is settled, or for some days.
    assert all(report.network_hash and len(report.network_hash) == 64 for report in reports)
    trail = sa.select(AuditEvent.actor_id).where(AuditEvent.action == "donation.message_reported")
    assert set(db.session.scalars(trail)) == {None}
    if case == "accounts":
        with transaction():
            show_message(gift.id, by=starter)
    else:
        with transaction():
            reports[0].created_at = now() - messages.NETWORKS_KEPT
        messages.forget_networks()
    db.session.expire_all()
    kept = [
        report.network_hash is not None
        for report in db.session.scalars(sa.select(MessageReport).order_by(MessageReport.id))
    ]
    assert kept == ([False] * 3 if case == "accounts" else [False, *[True] * (len(kept) - 1)])
