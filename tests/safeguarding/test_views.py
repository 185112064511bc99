"""The pages about who may be placed where: one's own record, the staff's desk, what an organization asks."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.organizations.models import Organization
from app.safeguarding.models import Clearance, ClearanceShare, ConductVersion, Exemption, GuardianConfirmation
from app.safeguarding.operations import ask_exemption, publish_conduct, share_clearance, share_guardian
from app.safeguarding.queries import find_profile
from app.signups.models import Signup
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import (
    allow_contact,
    make_clearance,
    make_guardian,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
)

SignIn = Callable[..., CheckingClient]


@pytest.fixture
def owner(app: Flask) -> Person:
    return make_person(name="Olive Owner")


@pytest.fixture
def organization(owner: Person) -> Organization:
    return make_organization(owner, name="Lantern House")


def day(days: int) -> dt.date:
    return today("America/New_York") + dt.timedelta(days=days)


def desk(organization: Organization, more: str = "") -> str:
    return f"/manage/{organization.slug}/clearances{more}"


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


# --- the staff's desk -----------------------------------------------------------------------------------------------


@pytest.mark.rule("G3")
def test_staff_record_what_they_saw(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    helper = make_person(name="Hana Helper")
    sign_in(owner)
    page = client.post(desk(organization, "/new"), data={"begin": "1", "email": helper.email}).text
    assert f'value="{helper.email}"' in page
    assert "There is a problem" not in page
    assert "<optgroup" in page
    assert page.index("Background check: United States") < page.index("Background check: United Kingdom"), (
        "theirs first"
    )
    assert 'type="file"' not in page
    sent = client.post(
        desk(organization, "/new"),
        data={
            "email": helper.email, "what": "background_check:us_fitness", "issuer": "State Police", "reference": "NJ-1",
            "issued_on": day(-3).isoformat(), "outcome": "accepted", "agreed": "y",
        },
    )  # fmt: skip
    assert sent.status_code == 303
    row = db.session.scalars(sa.select(Clearance)).one()
    assert (row.person_id, row.level, row.consented_on) == (helper.id, "us_fitness", day(-3))
    found = client.get(sent.headers["Location"]).text
    assert "Hana Helper" in found
    assert "State Police" in found
    assert "Hana Helper" in client.get(desk(organization)).text
    not_stated = "Not stated that they agreed to the check"
    assert not_stated not in found
    with transaction():
        db.session.get_one(Clearance, row.id).consented_on = None
    assert not_stated in client.get(desk(organization)).text
    sign_in(helper)
    assert "not stated" in client.get("/my-clearances").text
    sign_in(owner)


def test_somebody_is_found_by_an_address_that_stands_in_no_address(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    helper, other = make_person(name="Hana Helper"), make_person(name="Omar Other")
    hidden = make_clearance(make_person(name="Hidden"), make_organization(), "identity")
    for person in (helper, other):
        make_clearance(person, organization, "identity")
    sign_in(owner)
    sent = client.post(desk(organization), data={"email": helper.email.upper()})
    assert sent.status_code == 303
    assert "@" not in sent.headers["Location"]
    found = client.get(sent.headers["Location"])
    assert found.headers["Cache-Control"] == "no-store"
    assert f'value="{helper.email}"' in found.text, "what was asked for"
    assert "Hana Helper" in found.text
    assert "Omar Other" not in found.text
    nobody = client.post(desk(organization), data={"email": "x@example.org"})
    assert (nobody.status_code, nobody.headers["Cache-Control"]) == (200, "no-store")
    assert "Nothing is recorded for this address" in nobody.text
    assert 'value="x@example.org"' in nobody.text
    assert "Omar Other" not in nobody.text
    wrong = client.post(desk(organization), data={"email": "hana"})
    assert wrong.status_code == 422
    assert 'value="hana"' in wrong.text
    # Whom nothing is known of here is no more there than nobody.
    unknown = client.post(desk(organization), data={"email": hidden.person.email})
    assert "Nothing is recorded for this address" in unknown.text
    for page in ("", "/new"):
        assert client.get(desk(organization, f"{page}?of={encode_id(hidden.id)}")).status_code == 404
        assert client.get(desk(organization, f"{page}?of=nothing")).status_code == 404


def test_recording_anew_begins_with_whom_it_is_about(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    helper = make_person(name="Hana Helper")
    make_clearance(helper, organization, "identity", issued_on=day(-300), expires_on=day(20))
    sign_in(owner)
    page = client.get(desk(organization)).text
    anew = re.search(r'href="([^"]+)">Record it anew', page)
    assert anew is not None
    assert "@" not in anew[1]
    assert f'value="{helper.email}"' in client.get(anew[1]).text


@pytest.mark.rule("N2")
def test_what_is_recorded_of_one_person_is_paged(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    helper = make_person(name="Hana Helper")
    for number in range(51):
        make_clearance(helper, organization, "identity", reference=f"No. {number}.")
    make_clearance(make_person(), organization, "identity", reference="No. 99.")
    sign_in(owner)
    page = client.get(client.post(desk(organization), data={"email": helper.email}).headers["Location"]).text
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    assert "@" not in following[1]
    second = client.get(following[1].replace("&amp;", "&")).text
    shown = [set(re.findall(r"No\. \d+\.", each)) for each in (page, second)]
    assert [len(found) for found in shown] == [50, 1]
    assert not shown[0] & shown[1]
    assert "No. 99." not in page + second


def test_what_the_law_asks_is_stated_at_its_box(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    helper = make_person()
    sign_in(owner)
    body = {
        "email": helper.email,
        "issued_on": day(-3).isoformat(),
        "outcome": "accepted",
        "reference": "kept as typed",
    }
    for what, message in (
        ("background_check:us_fitness", "only when they agreed to it"),
        ("background_check:uk_enhanced", "State that the law lets the role ask"),
    ):
        answer = client.post(desk(organization, "/new"), data={**body, "what": what})
        assert answer.status_code == 422
        assert message in answer.text
        assert 'value="kept as typed"' in answer.text
    assert db.session.scalars(sa.select(Clearance)).all() == []
    sent = client.post(
        desk(organization, "/new"), data={**body, "what": "background_check:uk_enhanced", "eligible": "y"}
    )
    assert sent.status_code == 303


def test_nobody_records_for_themselves_or_before_they_are_verified(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    sign_in(owner)
    body = {"email": owner.email, "what": "identity", "issued_on": day(0).isoformat(), "outcome": "accepted"}
    own = client.post(desk(organization, "/new"), data=body)
    assert own.status_code == 409
    assert "Nobody records this about themselves" in own.text
    with transaction():
        db.session.get_one(Organization, organization.id).verified_at = None
    assert "once it is verified" in client.get(desk(organization)).text
    answer = client.post(desk(organization, "/new"), data={**body, "email": make_person().email})
    assert answer.status_code == 409
    assert "once it is verified" in answer.text


def test_only_owners_and_managers_have_the_tab(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    tab = f'href="{desk(organization)}"'
    for role, has in (("owner", True), ("manager", True), ("coordinator", False), ("viewer", False)):
        sign_in(make_member(organization, role))
        for page in (f"/manage/{organization.slug}/", f"/manage/{organization.slug}/needs"):
            assert (tab in client.get(page).text) is has, (role, page)
        assert client.get(desk(organization)).status_code == (200 if has else 404)


def test_the_desk_shows_what_ends_what_is_wrong_and_what_is_shared(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    other = make_organization(name="Other House")
    for name, days in (("Ends Tomorrow", 1), ("Ends Later", 45), ("Ended Yesterday", -1), ("Ends Next Year", 300)):
        make_clearance(make_person(name=name), organization, "identity", expires_on=day(days), issued_on=day(-20))
    renewed = make_person(name="Renewed")
    for days in (-1, 20, 300):
        make_clearance(renewed, organization, "driving", expires_on=day(days), issued_on=day(-20))
    wrong = make_clearance(make_person(name="Wronged"), organization, objected_at=now(), objection="That was my twin.")
    sharer = make_person(name="Sharer")
    shared = make_clearance(sharer, other, issuer="Other Police")
    hidden = make_clearance(make_person(name="Hidden"), other)
    with transaction():
        share_clearance(shared.id, organization.id, by=sharer)
    sign_in(owner)
    page = client.get(desk(organization)).text
    ends = text_of(page[page.index("What ends") : page.index("Everything recorded")])
    assert "1 day left" in ends
    assert "45 days left" in ends
    assert "Ended Yesterday" in ends
    assert "Ends Next Year" not in ends
    assert "Renewed" not in ends
    assert "That was my twin." in page
    assert "Other Police" in page
    assert "Shared with you" in page
    assert page.count("Does not count for work with children") == 1, "two moderators have not looked at the other house"
    assert "Hidden" not in page
    for key, status in ((wrong.id, 200), (shared.id, 404), (hidden.id, 404)):
        assert client.get(desk(organization, f"/{encode_id(key)}/revoke")).status_code == status


@pytest.mark.rule("N2")
def test_the_list_is_paged(client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization) -> None:
    for number in range(51):
        make_clearance(make_person(name=f"Person No. {number}"), organization, "identity")
    sign_in(owner)
    first = client.get(desk(organization)).text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    second = client.get(following[1].replace("&amp;", "&")).text
    shown = [set(re.findall(r"Person No\. \d+", page[page.index("Everything recorded") :])) for page in (first, second)]
    assert [len(names) for names in shown] == [50, 1]
    assert not shown[0] & shown[1]
    assert 'rel="next"' not in second


@pytest.mark.rule("G1")
def test_revoking_says_what_it_means_and_ends_places(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization, work_off: Callable[[], object]
) -> None:
    helper = make_person()
    allow_contact(organization)
    shift = make_shift(make_need(organization), contact="children")
    clearance = make_clearance(helper, organization)
    with transaction():
        signup = sign_up(shift.id, by=helper)
    sign_in(owner)
    address = desk(organization, f"/{encode_id(clearance.id)}/revoke")
    assert "every place of theirs that needs it ends" in client.get(address).text
    assert client.post(address, data={"reason": ""}).status_code == 422
    assert client.post(address, data={"reason": "It was withdrawn"}).status_code == 303
    work_off()
    assert db.session.get_one(Signup, signup.id).status == "cancelled"
    assert "revoked already" in client.get(address).text
    assert client.post(address, data={"reason": "again"}).status_code == 409


def test_an_exemption_takes_two(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    helper, manager = make_person(name="Hana Helper"), make_member(organization, "manager")
    sign_in(owner)
    new = f"/manage/{organization.slug}/exemptions/new"
    page = client.get(new).text
    assert "Background check" not in page[page.index("<select") : page.index("</select")], "never waived"
    body = {
        "email": helper.email, "what": "training:first_aid", "starts_on": day(0).isoformat(),
        "ends_on": day(20).isoformat(), "reason": "The course is full",
    }  # fmt: skip
    assert client.post(new, data={**body, "ends_on": day(200).isoformat()}).status_code == 422
    assert client.post(new, data={**body, "email": owner.email}).status_code == 409
    assert client.post(new, data=body).status_code == 303
    exemption = db.session.scalars(sa.select(Exemption)).one()
    address = f"/manage/{organization.slug}/exemptions/{encode_id(exemption.id)}"
    assert f'action="{address}/agree"' not in client.get(desk(organization)).text, "not by who asked"
    assert client.post(f"{address}/agree").status_code == 409
    sign_in(manager)
    assert f'action="{address}/agree"' in client.get(desk(organization)).text
    assert client.post(f"{address}/agree").status_code == 303
    assert db.session.get_one(Exemption, exemption.id).agreed_by_id == manager.id
    sign_in(helper)
    assert "Waived for you" in client.get("/my-clearances").text
    sign_in(owner)
    assert client.post(f"{address}/end").status_code == 303
    assert "Hana Helper" not in client.get(desk(organization)).text


@pytest.mark.rule("G4")
def test_a_guardian_is_told_of_to_whom_it_concerns_and_spoken_to(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    minor = make_person(name="Mina Minor", birth_date=day(-16 * 366))
    guardianship = make_guardian(minor, name="Gerda Guardian", phone="+1 201 555 0142")
    address = f"/manage/{organization.slug}/guardians/{encode_id(guardianship.id)}"
    sign_in(owner)
    assert client.get(address).status_code == 404, "a minor who has nothing to do with them"
    assert "Mina Minor" not in client.get(desk(organization)).text
    make_clearance(minor, organization, "identity")
    allow_contact(organization)
    assert client.get(address).status_code == 404, "what an organization says by itself opens nothing (G3)"
    with transaction():
        share_guardian(organization.id, by=minor)
    listed = client.get(desk(organization)).text
    assert "Mina Minor" in listed
    assert "0142" not in listed, "the telephone is on its own page"
    page = client.get(address).text
    assert "Gerda Guardian" in page
    assert "+1 201 555 0142" in page
    assert guardianship.email not in page
    for role in ("coordinator", "viewer"):
        sign_in(make_member(organization, role))
        assert client.get(address).status_code == 404
    sign_in(make_person(platform_role="administrator"))
    assert client.get(address).status_code == 404
    sign_in(owner)
    assert client.post(address, data={}).status_code == 422
    assert client.post(address, data={"means": "telephone"}).status_code == 303
    confirmed = db.session.scalars(sa.select(GuardianConfirmation)).one()
    assert (confirmed.organization_id, confirmed.means, confirmed.confirmed_by_id) == (
        organization.id, "telephone", owner.id,
    )  # fmt: skip
    assert "You have spoken to them" in client.get(desk(organization)).text


# --- one's own record -----------------------------------------------------------------------------------------------


@pytest.mark.rule("G3")
def test_a_person_reads_everything_that_is_kept_of_them(
    client: CheckingClient, sign_in: SignIn, organization: Organization
) -> None:
    helper = make_person()
    make_clearance(helper, organization, issuer="State Police", reference="NJ-1", expires_on=day(20), purge_on=day(200))
    make_clearance(
        helper, organization, "identity", revoked_at=now(), revoked_reason="It was a copy", purge_on=day(365)
    )
    make_clearance(helper, None, "training", level="safeguarding_basics", issuer="Course", expires_on=None)
    make_clearance(helper, organization, "reference", issuer="Bo Ray", outcome="declined", purge_on=day(180))
    make_clearance(make_person(), organization, issuer="Somebody else’s")
    sign_in(helper)
    page = client.get("/my-clearances")
    shown = text_of(page.text)
    for words in ("State Police", "NJ-1", "It was a copy", "Lantern House", "then it is deleted", "Ends soon",
                  "Does not hold any more"):  # fmt: skip
        assert words in shown, words
    assert "Somebody else’s" not in shown
    assert shown.count("Last day it holds") == 2, "what was not accepted never holds"
    assert "Your clearances" in client.get("/profile").text
    assert "Your clearances" in client.get("/my-help").text
    assert client.get("/my-clearances?for=no-such-%00%F0").status_code == 200


def test_a_person_says_what_is_wrong(client: CheckingClient, sign_in: SignIn, organization: Organization) -> None:
    helper = make_person()
    clearance = make_clearance(helper, organization)
    address = f"/my-clearances/{encode_id(clearance.id)}/objection"
    sign_in(make_person())
    assert client.get(address).status_code == 404
    sign_in(helper)
    assert client.post(address, data={"objection": " "}).status_code == 422
    assert client.post(address, data={"objection": "x" * 501}).status_code == 422
    assert client.post(address, data={"objection": "That was my twin."}).status_code == 303
    assert "That was my twin." in client.get("/my-clearances").text
    assert db.session.get_one(Clearance, clearance.id).objected_at is not None


def test_a_person_shares_with_whom_they_choose_and_takes_it_back(
    client: CheckingClient, sign_in: SignIn, organization: Organization
) -> None:
    helper, other = make_person(), make_organization(name="Other House")
    unknown, asking = make_organization(name="Unknown House"), make_organization(name="Asking House")
    shift = make_shift(make_need(other))
    with transaction():
        sign_up(shift.id, by=helper)
    clearance = make_clearance(helper, organization)
    own = make_clearance(helper, organization, "code_of_conduct", level="1", recorded_by_id=helper.id)
    sign_in(helper)
    address = f"/my-clearances/{encode_id(clearance.id)}/share"
    page = client.get(address).text
    assert "Other House" in page
    assert "Unknown House" not in page
    assert client.post(address, data={"organization": unknown.slug}).status_code == 422
    assert "Asking House" in client.get(f"{address}?for={asking.slug}").text, "the one whose shift led here"
    assert client.post(address, data={"organization": other.slug}).status_code == 303
    assert db.session.get(ClearanceShare, (clearance.id, other.id)) is not None
    assert "Other House" in client.get("/my-clearances").text
    unshare = f"/my-clearances/{encode_id(clearance.id)}/unshare"
    assert client.post(unshare, data={"organization": other.slug}).status_code == 303
    assert db.session.get(ClearanceShare, (clearance.id, other.id)) is None
    assert client.post(unshare, data={"organization": "no-such"}).status_code == 303
    shown = client.get(f"/my-clearances/{encode_id(own.id)}/share").text
    sent = client.post(f"/my-clearances/{encode_id(own.id)}/share", data={"organization": other.slug})
    assert sent.status_code == 409
    assert "counts with no other" in sent.text
    assert "There is no other organization to choose" in shown, "a code of conduct is one organization’s"


# --- what an organization asks --------------------------------------------------------------------------------------


def test_owners_choose_what_is_required_with_contact(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    sign_in(owner)
    address = f"/manage/{organization.slug}/requirements"
    assert address in client.get(f"/manage/{organization.slug}/settings").text
    page = client.get(address).text
    assert "fitness check by criminal history" in page
    assert "two moderators look at how you protect them" in page
    chosen = {"requirements": ["identity", "training:first_aid"]}
    assert client.post(address, data=chosen).status_code == 303
    assert find_profile(organization.id) == ("identity", "training:first_aid")
    assert client.get(address).text.count(" checked") == 2
    assert client.post(address, data={"requirements": "palm_reading"}).status_code == 422
    allow_contact(organization)
    assert "Two moderators have agreed" in client.get(address).text


@pytest.mark.rule("G1")
def test_a_code_of_conduct_is_published_read_and_accepted(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    public, publish = f"/organizations/{organization.slug}/conduct", f"/manage/{organization.slug}/conduct"
    assert client.get(public).status_code == 404
    sign_in(owner)
    assert client.post(publish, data={"text": " "}).status_code == 422
    assert client.post(publish, data={"text": "**Two adults** are there.\n\n# Always"}).status_code == 303
    assert client.post(publish, data={"text": "**Two adults** are there.\n\n# Always"}).status_code == 303
    assert [row.version for row in db.session.scalars(sa.select(ConductVersion))] == [1], "the same is no new version"
    client.post("/sign-out")
    page = client.get(public)
    assert "<strong>Two adults</strong>" in page.text
    assert "Sign in" in page.text
    assert client.post(f"{public}/accept", data={"version": "1"}).headers["Location"].startswith("/sign-in")
    helper = make_person()
    sign_in(helper)
    assert "I accept version 1" in client.get(public).text
    sent = client.post(f"{public}/accept?next=/my-help", data={"version": "1"})
    assert (sent.status_code, sent.headers["Location"]) == (303, "/my-help")
    assert client.post(f"{public}/accept?next=//elsewhere.org", data={"version": "1"}).headers["Location"] == public
    assert "You have accepted this version" in client.get(public).text
    with transaction():
        publish_conduct(organization.id, "Another.", by=owner)
    assert "I accept version 2" in client.get(public).text, "a new version asks again"
    shift = make_shift(make_need(organization, requirements=["code_of_conduct"]))
    sign_up_page = f"/shifts/{encode_id(shift.id)}/sign-up"
    assert "You accepted an earlier version." in client.get(sign_up_page).text
    sign_in(make_person())
    assert "You have not accepted it yet." in client.get(sign_up_page).text
    sign_in(helper)
    late = client.post(f"{public}/accept", data={"version": "1"})
    assert late.status_code == 409
    assert "newer version" in late.text
    assert client.post(f"{public}/accept", data={"version": "one"}).status_code == 409


@pytest.mark.rule("N1")
def test_what_an_organization_out_of_sight_asks_is_out_of_sight(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    with transaction():
        publish_conduct(organization.id, "Two adults are there.", by=owner)
    public = f"/organizations/{organization.slug}/conduct"
    assert public in client.get(f"/organizations/{organization.slug}").text
    with transaction():
        db.session.get_one(Organization, organization.id).status = "suspended"
    assert client.get(public).status_code == 404
    sign_in(owner)
    assert client.get(public).status_code == 200


def test_no_page_of_exemptions_is_anothers(
    client: CheckingClient, sign_in: SignIn, owner: Person, organization: Organization
) -> None:
    other, helper = make_organization(make_person()), make_person()
    with transaction():
        exemption = ask_exemption(
            organization.id, by=owner, email=helper.email, kind="medical", reason="x", starts_on=day(0),
            ends_on=day(3),
        )  # fmt: skip
    sign_in(make_member(other, "owner"))
    for slug in (organization.slug, other.slug):
        for act in ("agree", "end"):
            answer = client.post(f"/manage/{slug}/exemptions/{encode_id(exemption.id)}/{act}")
            assert answer.status_code == 404
