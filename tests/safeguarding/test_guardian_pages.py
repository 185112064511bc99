"""Guardians (G4): named by the minor, asked by mail, answering by its link; what they see and take back."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.ids import encode_id
from app.needs.models import Item, PrivateAddress, Shift
from app.pledges.models import Pledge
from app.pledges.operations import pledge
from app.safeguarding.models import GuardianConfirmation, GuardianShare, Guardianship
from app.safeguarding.operations import ask_guardian, share_guardian
from app.safeguarding.policy import guardian_token
from app.signups import gate, safety_jobs
from app.signups.models import Signup
from app.signups.operations import cancel_signup, sign_up
from app.signups.relations import find_guardian, list_guardians
from app.signups.staff import undo_add
from app.signups.volunteers import add_volunteer
from app.signups.waitlist import accept, give_place, join
from tests.conftest import CheckingClient
from tests.factories import (
    ADULT,
    allow_contact,
    make_clearance,
    make_guardian,
    make_item,
    make_need,
    make_organization,
    make_person,
    make_shift,
)
from tests.smtp import Mailbox, text_of

SignIn = Callable[..., CheckingClient]
WorkOff = Callable[[], dict[str, int]]


@pytest.fixture
def minor(app: Flask) -> Person:
    return make_person(name="Mina Minor", birth_date=today("UTC") - dt.timedelta(days=17 * 365))


@pytest.fixture
def owner_of_contact(app: Flask) -> Person:
    return make_person(name="Olive Owner")


def at_noon(shift: Shift) -> Shift:
    """The shift at hours that the law leaves to people of that age."""
    assert shift.starts_at is not None
    with transaction():
        found = db.session.get_one(Shift, shift.id)
        found.starts_at = dt.datetime.combine(shift.starts_at.date(), dt.time(17), dt.UTC)
        found.ends_at = found.starts_at + dt.timedelta(hours=2)
    return db.session.get_one(Shift, shift.id)


def link(guardianship: Guardianship) -> str:
    return f"/guardians/{guardian_token(guardianship)}"


@pytest.mark.rule("G4")
def test_from_naming_to_consent(
    client: CheckingClient, sign_in: SignIn, minor: Person, mailbox: Mailbox, work_off: WorkOff
) -> None:
    shift = at_noon(make_shift())
    assert [reason.code for reason in gate.check(shift, minor)] == ["guardian_consent"]
    sign_in(minor)
    assert "/my-guardian" in client.get("/profile").text
    assert "Name your guardian" in client.get("/my-guardian").text
    body = {"name": "Gerda Guardian", "email": "gerda@example.org", "phone": "+1 201 555 0142"}
    for wrong in ({"email": minor.email}, {"email": "no address"}, {"name": " "}, {"phone": "x" * 41}):
        answer = client.post("/my-guardian", data={**body, **wrong})
        assert answer.status_code == 422, wrong
    assert client.post("/my-guardian", data=body).status_code == 303
    page = client.get("/my-guardian").text
    assert "We have asked" in page
    assert "gerda@example.org" in page
    work_off()
    [mail] = [mail for mail in mailbox.messages if mail["To"] == "gerda@example.org"]
    found = re.search(r"http://localhost(/guardians/\S+)", text_of(mail))
    assert found is not None
    client.post("/sign-out")
    asked = client.get(found[1])
    assert asked.status_code == 200
    assert asked.headers["Cache-Control"] == "no-store"
    assert asked.headers["Referrer-Policy"] == "no-referrer"
    for words in (
        "Mina Minor asks for your consent",
        "Nothing of them is ever public",
        "at most 8 hours",
        "Yes, I agree",
    ):
        assert words in asked.text, words
    assert minor.email not in asked.text
    assert client.post(f"{found[1]}/answer", data={"act": "perhaps"}, csrf=False).status_code == 200
    assert gate.check(shift, minor)
    assert client.post(f"{found[1]}/answer", data={"act": "yes"}, csrf=False).status_code == 303
    assert gate.check(shift, minor) == []
    assert "You have agreed" in client.get(found[1]).text
    sign_in(minor)
    page = client.get("/my-guardian").text
    assert "Gerda Guardian has agreed" in page
    assert "What you have planned ends until the new one agrees." in page


@pytest.mark.rule("G4")
def test_an_adult_at_home_who_is_none_elsewhere_names_a_guardian_who_answers_and_sees_those_places_alone(
    client: CheckingClient, sign_in: SignIn
) -> None:
    young = make_person(name="Nia Nineteen", birth_date=today("UTC") - dt.timedelta(days=19 * 366), country="US")
    need = make_need(title="Plant trees", country="NZ", time_zone="Pacific/Auckland")
    noon = dt.datetime.combine(today("UTC") + dt.timedelta(days=7), dt.time(0), dt.UTC)
    there = make_shift(need, starts_at=noon, ends_at=noon + dt.timedelta(hours=2))
    here = make_shift(make_need(title="Sort coats"), days=3)
    assert [reason.code for reason in gate.check(there, young)] == ["guardian_consent"]
    sign_in(young)
    assert "Name your guardian" in client.get("/my-guardian").text
    assert client.post("/my-guardian", data={"name": "Gerda", "email": "gerda@example.org"}).status_code == 303
    guardianship = db.session.query(Guardianship).one()
    address = link(guardianship)
    client.post("/sign-out")
    assert client.get(address).status_code == 200
    assert client.post(f"{address}/answer", data={"act": "yes"}, csrf=False).status_code == 303
    assert gate.check(there, young) == []
    with transaction():
        places = [sign_up(shift.id, by=young).id for shift in (there, here)]
    # What a new one would end is what rests on this one, and no other place of theirs.
    sign_in(young)
    page = client.get("/my-guardian").text
    assert "The places that rest on the word of Gerda end until the new one agrees." in page
    assert "What you have planned ends" not in page
    client.post("/sign-out")
    page = client.get(address).text
    assert "Plant trees" in page
    assert "Sort coats" not in page
    assert "You may take it back at any time by this link. It ends when they are 21." in page
    assert client.post(f"{address}/places/{encode_id(places[1])}/cancel").status_code == 404
    assert {row.guardianship.id for row in list_guardians(need.organization_id).rows} == {guardianship.id}
    # Named by a minor it ends when they come of age at home, but for the place that rests on it.
    with transaction():
        guardianship.created_at = guardianship.created_at - dt.timedelta(days=3 * 366)
    page = client.get(address).text
    assert "Plant trees" in page
    assert "They are of age where they live now." in page
    with transaction():
        cancel_signup(places[0], by=young)
    assert client.get(address).status_code == 410
    assert list_guardians(need.organization_id).rows == []


@pytest.mark.rule("G4")
def test_a_guardian_sees_and_takes_back_a_place_that_rests_on_their_word_beyond_the_birthday_and_nothing_new_does(
    client: CheckingClient, sign_in: SignIn, work_off: WorkOff, owner_of_contact: Person
) -> None:
    day = today("UTC")
    # A day that every month has.
    birthday = next(day + dt.timedelta(days=n) for n in range(3, 7) if (day + dt.timedelta(days=n)).day <= 28)
    born = birthday.replace(year=birthday.year - 18)
    minor = make_person(name="Ala", birth_date=born, country="US")
    organization = make_organization(owner_of_contact)
    allow_contact(organization)
    need = make_need(organization, title="Pack boxes", country="US", region="AL")
    noon = dt.datetime.combine(day + dt.timedelta(days=10), dt.time(17), dt.UTC)
    first, second = (
        make_shift(need, starts_at=noon + after, ends_at=noon + after + dt.timedelta(hours=2))
        for after in (dt.timedelta(), dt.timedelta(days=1))
    )
    guardianship = make_guardian(minor, confirmed_by=organization)
    with transaction():
        place = sign_up(first.id, by=minor)
    other = make_organization()
    with transaction():
        share_guardian(other.id, by=minor)
    assert [row.guardianship.id for row in list_guardians(other.id).rows] == [guardianship.id]
    with time_machine.travel(dt.datetime.combine(birthday + dt.timedelta(days=2), dt.time(12), dt.UTC)):
        assert gate.stands(db.session.get_one(Signup, place.id))
        assert list_guardians(other.id).rows == [], "no place there rests on them"
        assert [row.guardianship.id for row in list_guardians(organization.id).rows] == [guardianship.id]
        assert client.get(link(guardianship)).status_code == 200
        assert "Pack boxes" in client.get(link(guardianship)).text
        # A new place is not what they agreed to: it asks for somebody anew.
        assert [reason.code for reason in gate.check(second, minor)] == ["guardian_consent"]
        sign_in(minor)
        page = client.get(f"/shifts/{encode_id(second.id)}/sign-up").text
        assert "Where this is, people come of age at 19: a guardian must agree first." in page
        page = client.get("/my-guardian").text
        assert "agreed until you came of age where you live" in page
        assert "You can sign up and pledge" not in page
        assert "What you have planned ends" not in page
        client.post("/sign-out")
        assert client.post(f"{link(guardianship)}/withdraw", csrf=False).status_code == 303
        assert "You took it back" in client.get(link(guardianship)).text
        work_off()
        db.session.expire_all()
        assert db.session.get_one(Signup, place.id).status == "cancelled"
        assert list_guardians(organization.id).rows == []


@pytest.mark.rule("G4", "S5")
@pytest.mark.parametrize("is_guarded", [True, False])
def test_a_turn_on_a_waitlist_becomes_no_place_on_a_word_that_ended(
    client: CheckingClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    day = today("UTC")
    birthday = next(day + dt.timedelta(days=n) for n in range(3, 7) if (day + dt.timedelta(days=n)).day <= 28)
    minor = make_person(name="Ala", birth_date=birthday.replace(year=birthday.year - 18), country="US")
    need = make_need(title="Pack boxes", country="US", region="AL")
    noon = dt.datetime.combine(day + dt.timedelta(days=20), dt.time(17), dt.UTC)
    full, asked, mine = (
        make_shift(need, capacity=1, starts_at=at, ends_at=at + dt.timedelta(hours=2))
        for at in (noon, noon + dt.timedelta(days=1), noon + dt.timedelta(days=2))
    )
    guardianship = make_guardian(minor)
    others = {}
    for shift in (full, asked):
        somebody = make_person()
        with transaction():
            others[shift.id] = sign_up(shift.id, by=somebody)
    with transaction():
        turn, offer, place = join(full.id, by=minor), join(asked.id, by=minor), sign_up(mine.id, by=minor)
    with transaction():
        cancel_signup(others[asked.id].id, by=others[asked.id].person)
    assert db.session.get_one(Signup, offer.id).status == "offered"
    page = client.get(link(guardianship)).text
    assert page.count("Take them off the waitlist?") == 2
    assert page.count("Cancel this place?") == 1
    assert "A turn on the waitlist, no place yet" in page
    assert "A place is offered to them" in page
    if not is_guarded:
        monkeypatch.setattr(gate, "has_place", lambda signup: signup is not None)
    with time_machine.travel(dt.datetime.combine(birthday + dt.timedelta(days=1), dt.time(12), dt.UTC)):
        with transaction():
            # The offer is long over by then: as if it had just been made.
            db.session.get_one(Signup, offer.id).offer_expires_at = now() + dt.timedelta(hours=1)
            cancel_signup(others[full.id].id, by=others[full.id].person)
        assert db.session.get_one(Signup, turn.id).status == ("waitlisted" if is_guarded else "offered")
        with contextlib.suppress(Refused), transaction():
            accept(offer.id, by=minor)
        assert (db.session.get_one(Signup, offer.id).status == "offered") is is_guarded
        assert gate.stands(db.session.get_one(Signup, place.id)), "what was confirmed by then rests on it still"
        if not is_guarded:
            return
        with pytest.raises(Refused), transaction():
            give_place(turn.id, by=others[full.id].person)
        sign_in(minor)
        page = client.get(f"/shifts/{encode_id(full.id)}/sign-up").text
        assert "Where this is, people come of age at 19: a guardian must agree first." in page
        client.post("/sign-out")
        assert "becomes a place only when somebody agrees anew" in client.get(link(guardianship)).text
        for one, words in ((place, None), (offer, None), (turn, "They are off the waitlist")):
            answer = client.post(f"{link(guardianship)}/places/{encode_id(one.id)}/cancel", csrf=False)
            assert answer.status_code == (200 if words else 303)
            assert db.session.get_one(Signup, one.id).status == "cancelled"
        assert "They are off the waitlist" in answer.text
        assert "Nothing rests on what you agreed to any more" in answer.text
        assert client.get(link(guardianship)).status_code == 410


@pytest.mark.rule("G3")
@pytest.mark.rule("G4")
@pytest.mark.parametrize("is_guarded", [True, False])
def test_a_guardian_is_kept_as_long_as_a_place_ahead_rests_on_their_word(
    owner_of_contact: Person, monkeypatch: pytest.MonkeyPatch, *, is_guarded: bool
) -> None:
    day = today("UTC")
    minor = make_person(birth_date=day - dt.timedelta(days=18 * 365), country="US")  # of age at home in some days
    need = make_need(make_organization(owner_of_contact), country="US", region="AL")
    noon = dt.datetime.combine(day + dt.timedelta(days=230), dt.time(17), dt.UTC)
    shift = make_shift(need, starts_at=noon, ends_at=noon + dt.timedelta(hours=2))
    make_guardian(minor)
    with transaction():
        place = sign_up(shift.id, by=minor)

    def left() -> int:
        with time_machine.travel(dt.datetime.combine(day + dt.timedelta(days=200), dt.time(12), dt.UTC)):
            safety_jobs.purge_unused()
        return db.session.scalar(sa.select(sa.func.count()).select_from(Guardianship)) or 0

    if not is_guarded:
        monkeypatch.setattr("app.signups.relations.list_answering", lambda _guardianships: set())
    assert left() == is_guarded
    with transaction():
        db.session.get_one(Signup, place.id).status = "cancelled"
    assert left() == 0


@pytest.mark.rule("G3", "G4")
def test_only_what_the_minor_did_opens_their_guardian_to_an_organization(
    client: CheckingClient, sign_in: SignIn
) -> None:
    """A record is one person's word and a guessed address; after the birthday only who has the place that rests on it asks."""
    owner = make_person()
    organization = make_organization(owner, name="Lantern House", slug="lantern")
    allow_contact(organization)
    minor = make_person(name="Mina", birth_date=today("UTC") - dt.timedelta(days=17 * 365))
    guardianship = make_guardian(minor)
    make_clearance(minor, organization)
    desk = f"/manage/lantern/guardians/{encode_id(guardianship.id)}"
    sign_in(owner)
    assert client.get(desk).status_code == 404
    assert guardianship.name not in client.get("/manage/lantern/clearances").text
    # Nor does a place that staff give, as one adds whoever telephones: it may be confirmed, and taken back again.
    plain = at_noon(make_shift(make_need(organization)))
    with transaction():
        given = add_volunteer(plain.id, by=owner, name="M", birth_date=ADULT, email=minor.email)
    assert given.person_id == minor.id
    assert client.get(desk).status_code == 404
    assert client.post(desk, data={"means": "telephone"}).status_code == 404
    with transaction():
        undo_add(given.id, by=owner)
        own = sign_up(plain.id, by=minor)
    assert client.get(desk).status_code == 200, "a place that they took themselves"
    # That they were spoken to keeps nothing open once the minor went.
    assert client.post(desk, data={"means": "telephone"}).status_code == 303
    assert plain.ends_at is not None
    for days, seen in ((29, 200), (31, 404)):
        with time_machine.travel(plain.ends_at + dt.timedelta(days=days), tick=False):
            assert (find_guardian(organization.id, guardianship.id) is not None) == (seen == 200), days
    with transaction():
        cancel_signup(own.id, by=minor)
    assert client.get(desk).status_code == 404
    with transaction():
        db.session.execute(sa.delete(GuardianConfirmation))
    # The page of a shift with children leads the minor to the one act that lets the organization in.
    shift = make_shift(make_need(organization), contact="children")
    sign_in(minor)
    way = "/my-guardian?organization=lantern"
    assert f'href="{way}"' in client.get(f"/shifts/{encode_id(shift.id)}/sign-up").text
    assert "Let Lantern House speak to them" in client.get(way).text
    for _twice in range(2):
        assert client.post("/my-guardian/organizations/lantern").status_code == 303
    assert "Let Lantern House speak to them" not in client.get(way).text
    assert "/my-guardian/organizations/lantern/remove" in client.get("/my-guardian").text
    sign_in(owner)
    assert guardianship.name in client.get(desk).text
    assert client.post(desk, data={"means": "telephone"}).status_code == 303
    assert "guardian_confirmation" not in [reason.code for reason in gate.check(shift, minor)]
    sign_in(minor)
    assert client.post("/my-guardian/organizations/elsewhere/remove").status_code == 404
    client.post("/my-guardian/organizations/lantern/remove")
    # What its staff said of that guardian ends with it.
    assert "guardian_confirmation" in [reason.code for reason in gate.check(shift, minor)]
    sign_in(owner)
    assert client.get(desk).status_code == 404
    sign_in(minor)
    client.post("/my-guardian/organizations/lantern")
    # Whoever is named anew is nobody's to speak to before the minor says so again.
    with transaction():
        ask_guardian(minor.id, by=minor, name="Gil", email="gil@example.org")
    assert not db.session.scalars(sa.select(GuardianShare)).all()
    acts = sa.select(AuditEvent.action).where(AuditEvent.action.in_(("guardianship.shared", "guardianship.unshared")))
    told = list(db.session.scalars(acts.order_by(AuditEvent.id)))
    assert told == ["guardianship.shared", "guardianship.unshared", "guardianship.shared"]


@pytest.mark.rule("G4")
def test_more_guardians_than_a_page_are_found_each_once(client: CheckingClient, sign_in: SignIn) -> None:
    owner = make_person()
    organization = make_organization(owner, name="Lantern House")
    allow_contact(organization)
    born = today("UTC") - dt.timedelta(days=17 * 365)
    minors = [make_person(name=f"Mina {number % 3}", birth_date=born) for number in range(23)]
    grown = make_person(name="Ada", birth_date=born - dt.timedelta(days=20 * 365))
    of_grown = make_guardian(grown)
    named = [make_guardian(one, confirmed_by=organization if one is minors[0] else None) for one in minors]
    with transaction():
        for guardianship in (*named, of_grown):
            share = GuardianShare(guardianship_id=guardianship.id, organization_id=organization.id, consented_at=now())
            db.session.add(share)
    found, cursor = [], None
    for _page in range(3):
        page = list_guardians(organization.id, cursor, limit=10)
        found += [row.guardianship.id for row in page.rows]
        cursor = page.next_cursor
    assert (sorted(found), cursor) == (sorted(one.id for one in named), None)
    assert found[-1] == named[0].id, "who was spoken to comes last"
    sign_in(owner)
    address = f"/manage/{organization.slug}/clearances"
    first = client.get(address).text
    more = re.search(rf'rel="next" href="({address}\?guardians=[^"]+)"', first)
    assert more is not None
    shown = [client.get(page).text.count("/guardians/") for page in (address, more[1])]
    assert shown == [20, 3]
    assert client.get(f"/manage/{organization.slug}/guardians/{encode_id(found[-1])}").status_code == 200


@pytest.mark.rule("G4")
def test_a_no_is_a_no(client: CheckingClient, sign_in: SignIn, minor: Person) -> None:
    with transaction():
        guardianship = ask_guardian(minor.id, by=minor, name="Gerda", email="gerda@example.org")
    address = link(guardianship)
    assert client.post(f"{address}/answer", data={"act": "no"}).status_code == 303
    assert "You said no" in client.get(address).text
    again = client.post(f"{address}/answer", data={"act": "yes"})
    assert again.status_code == 409
    assert gate.check(at_noon(make_shift()), minor)
    sign_in(minor)
    assert "Gerda said no" in client.get("/my-guardian").text


@pytest.mark.rule("N6", "G4")
def test_the_guardian_sees_what_is_planned_and_never_the_door(
    client: CheckingClient, minor: Person, work_off: WorkOff
) -> None:
    guardianship = make_guardian(minor)
    organization = make_organization(make_person(), name="Lantern House")
    need = make_need(organization, title="Sort coats", private_address=True)
    with transaction():
        db.session.add(PrivateAddress(need_id=need.id, address="25 Canary Street", latitude=40.7, longitude=-74.2))
    shift, item = at_noon(make_shift(need, days=1)), make_item(make_need(organization, title="Warm beds"))
    with transaction():
        signup = sign_up(shift.id, by=minor)
        promise = pledge(item.id, by=minor, quantity=decimal.Decimal(3))
    address = link(guardianship)
    page = client.get(address).text
    for words in ("Sort coats", "Lantern House", "Newark", "Diapers", "Warm beds"):
        assert words in page, words
    assert "Canary" not in page
    assert client.post(f"{address}/places/{encode_id(signup.id)}/cancel").status_code == 303
    assert db.session.get_one(Signup, signup.id).status == "cancelled"
    assert client.post(f"{address}/places/{encode_id(signup.id)}/cancel").status_code == 409
    others, somebody = make_shift(need, days=5), make_person()
    with transaction():
        foreign = sign_up(others.id, by=somebody)
    assert client.post(f"{address}/places/{encode_id(foreign.id)}/cancel").status_code == 404
    assert db.session.get_one(Signup, foreign.id).status == "confirmed"
    assert db.session.get_one(Pledge, promise.id).status == "reserved"


@pytest.mark.rule("G4", "P1")
@pytest.mark.parametrize("how", ["withdraw", "decline", "replace"])
def test_everything_ahead_ends_with_the_guardians_word(
    client: CheckingClient, minor: Person, work_off: WorkOff, how: str
) -> None:
    guardianship = make_guardian(minor)
    shift, item = at_noon(make_shift()), make_item()
    with transaction():
        signup = sign_up(shift.id, by=minor)
        promise = pledge(item.id, by=minor, quantity=decimal.Decimal(3))
    address = link(guardianship)
    if how == "withdraw":
        assert "Everything that Mina Minor has planned ends at once" in client.get(address).text
        assert client.post(f"{address}/withdraw").status_code == 303
        assert "You took it back" in client.get(address).text
    elif how == "decline":
        assert client.post(f"{address}/answer", data={"act": "no"}).status_code == 303
    else:
        with transaction():
            ask_guardian(minor.id, by=minor, name="Another", email="another@example.org")
        assert client.get(address).status_code == 410
        assert client.post(f"{address}/answer", data={"act": "yes"}).status_code == 410
    assert not gate.stands(db.session.get_one(Signup, signup.id)), "at once, before any job"
    work_off()
    assert db.session.get_one(Signup, signup.id).status == "cancelled"
    assert db.session.get_one(Pledge, promise.id).status == "cancelled"
    assert db.session.get_one(Item, item.id).reserved == 0


def test_a_promise_stays_when_another_guardian_agreed_meanwhile(
    client: CheckingClient, minor: Person, work_off: WorkOff
) -> None:
    guardianship, item = make_guardian(minor), make_item()
    with transaction():
        promise = pledge(item.id, by=minor, quantity=decimal.Decimal(3))
    client.post(f"{link(guardianship)}/withdraw")
    make_guardian(minor)
    work_off()
    assert db.session.get_one(Pledge, promise.id).status == "reserved"


def test_a_link_that_is_none_or_opens_nothing_any_more(client: CheckingClient, minor: Person) -> None:
    for path in ("/guardians/no-such-token", "/guardians/no-such-token/answer", "/guardians/x/withdraw"):
        method = client.get if path.endswith("token") else client.post
        assert method(path).status_code == 404
    guardianship = make_guardian(minor)
    with transaction():
        db.session.get_one(Person, minor.id).birth_date = dt.date(1990, 5, 17)
    assert client.get(link(guardianship)).status_code == 410, "an adult answers for themselves"
    assert client.post(f"{link(guardianship)}/withdraw").status_code == 410


def test_the_mail_goes_again_and_not_to_adults(client: CheckingClient, sign_in: SignIn, minor: Person) -> None:
    sign_in(minor)
    assert client.post("/my-guardian/send-again").status_code == 303
    with transaction():
        guardianship = ask_guardian(minor.id, by=minor, name="Gerda", email="gerda@example.org")
    assert client.post("/my-guardian/send-again").status_code == 303
    client.post(f"{link(guardianship)}/answer", data={"act": "yes"})
    assert client.post("/my-guardian/send-again").status_code == 409, "answered already"
    sign_in(make_person())
    assert "You need no guardian here" in client.get("/my-guardian").text
    assert client.post("/my-guardian", data={"name": "x", "email": "x@example.org"}).status_code == 409
    sign_in(make_person(birth_date=None))
    assert "Add it to your profile" in client.get("/my-guardian").text
