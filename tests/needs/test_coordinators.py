"""Coordinators of assigned needs: which needs open for them on pages and in the API, what they hear of, and how it ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.audit import AuditEvent
from app.core.clock import now
from app.core.db import db, transaction
from app.core.errors import InvalidInput, Refused
from app.core.ids import decode_id, encode_id
from app.messages.operations import choose_mail
from app.needs import operations, policy
from app.needs.models import Item, Need, NeedAssignment, PrivateAddress, Shift
from app.needs.operations import coordinators
from app.organizations import members
from app.organizations.models import Invitation, Membership, Organization
from app.pages.activity import list_between, list_seen
from app.pledges.operations import pledge, receive_unpledged
from app.signups.operations import sign_up
from app.signups.queries import list_exact_addresses
from tests.api.test_main_job import Caller
from tests.conftest import CheckingClient
from tests.factories import make_item, make_member, make_need, make_organization, make_person, make_shift, wake
from tests.smtp import Mailbox, text_of

SignIn = Callable[..., CheckingClient]


class Asked:
    """A need with somebody's place, promise and delivery, in a house whose street is private."""

    def __init__(self, organization: Organization, title: str) -> None:
        self.need: Need = make_need(organization, title=title)
        self.shift: Shift = make_shift(self.need, capacity=9)
        self.item: Item = make_item(self.need, quantity="40")
        self.person = make_person(name=f"Helper of {title}")
        with transaction():
            self.signup = sign_up(self.shift.id, by=self.person, note=f"Call me about {title}")
            self.pledge = pledge(self.item.id, by=self.person, quantity=Decimal(2))
            self.delivery = receive_unpledged(self.item.id, by=self.person, received=Decimal(1), note=f"From {title}")
            need = db.session.get_one(Need, self.need.id)
            need.private_address, need.address, need.postal_code = True, None, None
            address = PrivateAddress(need_id=need.id, address=f"7 {title} Row", latitude=40.7, longitude=-74.1)
            db.session.add(address)
        self.slug = organization.slug

    def pages(self) -> list[str]:
        """The staff's pages about it."""
        manage, shift = f"/manage/{self.slug}", encode_id(self.shift.id)
        return [
            f"{manage}/needs/{encode_id(self.need.id)}",
            f"{manage}/shifts/{shift}/roster",
            f"{manage}/shifts/{shift}/volunteers/new",
            f"{manage}/items/{encode_id(self.item.id)}/arrivals/new",
            f"/pledges/{encode_id(self.pledge.id)}/receive",
        ]

    def acts(self) -> list[tuple[str, dict[str, str]]]:
        """What is done with it in the API, and each answer of one who may is a domain's, never 403 or 404."""
        return [
            (f"/shifts/{encode_id(self.shift.id)}/volunteers", {"name": "Walter", "birth_date": "1980-01-01"}),
            (f"/signups/{encode_id(self.signup.id)}/check-in", {}),
            (f"/signups/{encode_id(self.signup.id)}/hours", {"minutes": "60"}),
            (f"/items/{encode_id(self.item.id)}/deliveries", {"received": "1"}),
            (f"/pledges/{encode_id(self.pledge.id)}/receive", {"received": "1"}),
            (f"/deliveries/{encode_id(self.delivery.id)}/undo", {}),
        ]


@pytest.fixture
def house(app: Flask) -> tuple[Organization, Asked, Asked]:
    """An organization with a need that is assigned to its coordinators of assigned needs, and one that is not."""
    organization = make_organization(make_person(name="Olive Owner"), slug="lantern")
    return organization, Asked(organization, "Lanternwick"), Asked(organization, "Oakenshade")


def assign(need: Need, person: Person) -> None:
    with transaction():
        operations.assign_need(need.id, person.id, by=person)


# role, of all needs, assigned to this one: whether they read it, whether they keep it, and what they get where they may not.
TABLE = [
    ("owner", True, False, True, True, 0),
    ("manager", True, False, True, True, 0),
    ("coordinator", True, False, True, True, 0),
    ("coordinator", False, True, True, True, 0),
    ("coordinator", False, False, False, False, 403),
    ("viewer", True, False, True, False, 404),
    ("owner elsewhere", True, False, False, False, 404),
]


@pytest.mark.rule("A1")
def test_who_works_on_which_need(
    app: Flask, client: CheckingClient, sign_in: SignIn, house: tuple[Organization, Asked, Asked]
) -> None:
    """Role × need over pages, the API and the exact address."""
    for role, all_needs, assigned, reads, keeps, refused in TABLE:
        organization, asked, _other = house
        of = make_organization() if role == "owner elsewhere" else organization
        person = make_member(of, role.split()[0], all_needs=all_needs)
        if assigned:
            assign(asked.need, person)
        assert policy.can_see_staff_page(person, asked.need) is reads, role
        assert policy.can_receive(person, asked.need) is keeps, role
        assert bool(list_exact_addresses([asked.need], person)) is reads, role
        sign_in(person)
        for path in asked.pages():
            answer = client.get(path)
            expected = 200 if (keeps or (reads and path.endswith(("/roster", encode_id(asked.need.id))))) else refused
            assert answer.status_code == expected, (role, path)
            if refused == 403:
                assert "This need is not assigned to you" in answer.text
                assert "Helper of Lanternwick" not in answer.text
        assert ("7 Lanternwick Row" in client.get(f"/needs/{encode_id(asked.need.id)}").text) is reads, role
        api = Caller(app, person)
        for kind, one in (("signups", asked.signup), ("pledges", asked.pledge)):
            answer = api("GET", f"/{kind}/{encode_id(one.id)}")
            assert answer.status_code == (200 if reads else refused), (role, kind)
            assert refused != 403 or (answer.json["code"], "not assigned to you" in answer.json["detail"]) == (
                "not_yours",
                True,
            )
        for path, body in asked.acts():
            answer = api("POST", path, body)
            assert (answer.status_code in (200, 201, 409, 422)) is keeps, (role, path, answer.text)
            assert keeps or answer.status_code == refused, (role, path)
        for path in (f"/shifts/{encode_id(asked.shift.id)}/signups", f"/items/{encode_id(asked.item.id)}/pledges"):
            assert bool(api("GET", path).json["data"]) is reads, "others read their own alone"
        assert bool(api("GET", f"/needs/{encode_id(asked.need.id)}").json["address"]) is reads, role


@pytest.mark.rule("A1")
def test_what_is_not_public_is_not_known_to_whom_it_is_not_assigned(
    app: Flask, client: CheckingClient, sign_in: SignIn, house: tuple[Organization, Asked, Asked]
) -> None:
    """A draft, paused or closed need of the same organization is for them as for strangers, on every path."""
    organization, asked, _other = house
    person = make_member(organization, "coordinator", all_needs=False)
    sign_in(person)
    api, public = Caller(app, person), f"/needs/{encode_id(asked.need.id)}"
    for status, closed in (("draft", None), ("paused", None), ("closed", now())):
        with transaction():
            need = db.session.get_one(Need, asked.need.id)
            need.status, need.closed_at = status, closed
        for path in (*asked.pages(), public):
            assert client.get(path).status_code == 404, (status, path)
        for path in (public, f"/signups/{encode_id(asked.signup.id)}", f"/pledges/{encode_id(asked.pledge.id)}"):
            assert api("GET", path).status_code == 404, (status, path)
        for path, body in asked.acts():
            assert api("POST", path, body).status_code == 404, (status, path)
    assign(asked.need, person)
    assert [client.get(path).status_code for path in (*asked.pages()[:2], public)] == [200] * 3, "the control"


@pytest.mark.rule("A1")
def test_lists_hold_the_assigned_needs_alone(
    app: Flask, client: CheckingClient, sign_in: SignIn, house: tuple[Organization, Asked, Asked]
) -> None:
    organization, mine, _other = house
    some, everything = (
        make_member(organization, "coordinator", all_needs=False),
        make_member(organization, "coordinator"),
    )
    paths = [f"/manage/{organization.slug}/{page}" for page in ("", "needs", "activity")]
    for person, seen in ((everything, True), (some, False)):
        sign_in(person)
        for path in paths:
            page = client.get(path).text
            assert ("Oakenshade" in page) is seen, path
            # Whoever would see nothing is told why, and whom to ask.
            assert ("assigns needs: Olive Owner." in page) is not seen, path
        assert "No need is assigned to you yet" in client.get(paths[1]).text or seen
    assign(mine.need, some)
    for path in paths:
        page = client.get(path).text
        assert "Lanternwick" in page, path
        assert "Oakenshade" not in page, path
    members = f"/organizations/{organization.slug}/members"
    other = make_member(organization, "coordinator", all_needs=False)
    for need in (mine.need, _other.need):
        assign(need, other)
    for person, ids in ((some, {mine.need.id}), (everything, {mine.need.id, _other.need.id})):
        rows = Caller(app, person)("GET", members).json["data"]
        found = next(row["needs"] for row in rows if decode_id(row["person"]) == other.id)
        assert {decode_id(each) for each in found} == ids
    for name in ("arrivals", "deliveries"):
        path = f"/organizations/{organization.slug}/{name}"
        of_some, of_all = (Caller(app, person)("GET", path).json["data"] for person in (some, everything))
        assert {row["item"] for row in of_some} == {encode_id(mine.item.id)}
        assert len(of_all) > len(of_some)


def test_staff_mail_is_about_the_assigned_needs_alone(
    house: tuple[Organization, Asked, Asked], mailbox: Mailbox, work_off: Callable[[], dict[str, int]]
) -> None:
    organization, mine, other = house
    work_off()
    some, everything = (
        make_member(organization, "coordinator", all_needs=False),
        make_member(organization, "coordinator"),
    )
    wake(some, everything)
    assign(mine.need, some)
    for person in (some, everything):
        with transaction():
            choose_mail(person.id, by=person, choices={"staff_signups": "at_once", "staff_pledges": "at_once"})
    for asked in (mine, other):
        helper = make_person()
        with transaction():
            sign_up(asked.shift.id, by=helper)
            pledge(asked.item.id, by=helper, quantity=Decimal(1))
    work_off()
    assert [len(mailbox.to(person.email)) for person in (some, everything)] == [2, 4]
    assert all("Oakenshade" not in text_of(message) for message in mailbox.to(some.email))
    ahead = now() + dt.timedelta(hours=1)
    for person, titles in ((some, {"Lanternwick"}), (everything, {"Lanternwick", "Oakenshade"})):
        told = list_between(
            organization.id, "lantern", ["pledge.made"], ahead - dt.timedelta(days=1), ahead,
            seen=list_seen(person, organization.id),
        )  # fmt: skip
        assert {entry.sentence.split("(")[-1].strip(")") for entry in told} == titles, "the summary of the day"


@pytest.mark.rule("M1")
@pytest.mark.rule("M2")
def test_whoever_is_assigned_is_told_once_of_all_of_one_act_and_of_nothing_that_was_taken_meanwhile(
    house: tuple[Organization, Asked, Asked], mailbox: Mailbox, work_off: Callable[[], dict[str, int]]
) -> None:
    organization, mine, other = house
    work_off()
    owner = make_member(organization, "owner")
    several, taken, silent, gone = (make_member(organization, "coordinator", all_needs=False) for _one in range(4))
    wake(several, taken, silent, gone)
    with transaction():
        choose_mail(silent.id, by=silent, choices={"staff_assigned": "never"})
        coordinators.change_role(
            organization.id, several.id, by=owner, role="coordinator", need_ids=[mine.need.id, other.need.id]
        )
        for person in (taken, silent, gone):
            operations.assign_need(mine.need.id, person.id, by=owner)
            operations.assign_need(mine.need.id, person.id, by=owner)
        operations.take_need(mine.need.id, taken.id, by=owner)
        members.remove_member(organization.id, gone.id, by=gone)
    work_off()
    message = mailbox.to(several.email)
    assert [each["Subject"] for each in message] == [f"You coordinate 2 more needs of {organization.name}"]
    assert all(f"/manage/lantern/needs/{encode_id(each.need.id)}" in text_of(message[0]) for each in (mine, other))
    assert [mailbox.to(person.email) for person in (taken, silent, gone)] == [[], [], []]


@pytest.mark.rule("A2")
def test_assignments_end_with_the_role_and_the_membership(house: tuple[Organization, Asked, Asked]) -> None:
    organization, mine, other = house
    owner = make_member(organization, "owner")
    person = make_member(organization, "coordinator", all_needs=False)

    def held() -> set[int]:
        return set(db.session.scalars(sa.select(NeedAssignment.need_id).where(NeedAssignment.person_id == person.id)))

    def change(role: str, **values: object) -> None:
        with transaction():
            coordinators.change_role(organization.id, person.id, by=owner, role=role, **values)

    change("coordinator", need_ids=[mine.need.id, other.need.id])
    assert held() == {mine.need.id, other.need.id}
    change("coordinator", need_ids=[mine.need.id])
    with transaction():
        copy_id = operations.duplicate_need(mine.need.id, by=owner).id
    assert held() == {mine.need.id, copy_id}, "the copy has who coordinates the need"
    change("coordinator")
    assert held() == {mine.need.id, copy_id}, "a role that stays keeps them"
    change("viewer")
    assert held() == set()
    change("coordinator", all_needs=False)
    assert not policy.can_receive(person, mine.need), "nothing comes back"
    assign(mine.need, person)
    change("coordinator", all_needs=True)
    assert held() == set()
    change("coordinator", all_needs=False)
    assign(mine.need, person)
    with transaction():
        coordinators.take_need(mine.need.id, person.id, by=owner)
        coordinators.take_need(mine.need.id, person.id, by=owner)
    assert not policy.can_receive(person, mine.need)
    assign(mine.need, person)
    with transaction():
        coordinators.leave(organization.id, by=person)
    assert held() == set()
    actions = db.session.scalars(
        sa.select(AuditEvent.action).where(AuditEvent.action.like("need.coordinator%")).order_by(AuditEvent.id)
    ).all()
    assert actions.count("need.coordinator_added") == actions.count("need.coordinator_removed") == 6
    foreign = make_need()
    with pytest.raises(Refused), transaction():
        operations.assign_need(mine.need.id, person.id, by=owner)
    back = make_member(organization, "coordinator")
    with pytest.raises(Refused), transaction():
        operations.assign_need(mine.need.id, back.id, by=owner)
    for role, ids in (("viewer", [mine.need.id]), ("coordinator", [foreign.id])):
        with pytest.raises(InvalidInput), transaction():
            coordinators.change_role(organization.id, back.id, by=owner, role=role, need_ids=ids)


def test_an_assignment_without_its_membership_opens_nothing(house: tuple[Organization, Asked, Asked]) -> None:
    """The control: what is asked is the membership as it is now, whatever rows are left."""
    organization, mine, _other = house
    person = make_member(organization, "coordinator", all_needs=False)
    assign(mine.need, person)
    assert policy.can_receive(person, mine.need)
    with transaction():
        members.remove_member(organization.id, person.id, by=person)
    assert db.session.get(NeedAssignment, (mine.need.id, person.id)) is not None
    assert not policy.can_receive(person, mine.need)
    assert policy.list_worked_on([mine.need], person) == set()


def test_the_page_offers_assigned_needs_first_and_the_need_says_who_coordinates_it(
    client: CheckingClient,
    sign_in: SignIn,
    house: tuple[Organization, Asked, Asked],
    mailbox: Mailbox,
    work_off: Callable[[], dict[str, int]],
) -> None:
    organization, mine, _other = house
    work_off()
    person = make_member(organization, "coordinator", name="Cora")
    wake(person)
    sign_in(make_member(organization, "manager"))
    people = f"/manage/{organization.slug}/members"
    client.post(people, data={"email": "new@example.org", "role": "coordinator"})
    client.post(people, data={"email": "all@example.org", "role": "coordinator", "reach": "all"})
    client.post(people, data={"email": "eyes@example.org", "role": "viewer"})
    asked = {row.email: row.all_needs for row in db.session.execute(sa.select(Invitation.email, Invitation.all_needs))}
    assert asked == {"new@example.org": False, "all@example.org": True, "eyes@example.org": True}
    assert client.post(people, data={"email": "x@example.org", "role": "viewer", "reach": "?"}).status_code == 422
    page = client.get(mine.pages()[0]).text
    assert "Who coordinates it" in page
    client.post(f"{people}/{encode_id(person.id)}", data={"role": "coordinator", "reach": "assigned"})
    assert not db.session.get_one(Membership, (organization.id, person.id)).all_needs
    assert not policy.can_receive(person, mine.need)
    add = f"{mine.pages()[0]}/coordinators"
    assert f'value="{encode_id(person.id)}"' in client.get(mine.pages()[0]).text
    assert client.post(add, data={"person": encode_id(person.id)}).status_code == 303
    assert policy.can_receive(person, mine.need)
    work_off()
    told = {message["Subject"] for message in mailbox.to(person.email)}
    assert told == {"Your role at " + organization.name, "You coordinate “Lanternwick” now"}
    for nobody in ("nobody", "", encode_id(make_person().id)):
        answer = client.post(add, data={"person": nobody})
        assert (answer.status_code, "There is a problem" in answer.text) == (422, True), nobody
    assert f"{add}/{encode_id(person.id)}/remove" in client.get(mine.pages()[0]).text
    client.post(f"{add}/{encode_id(person.id)}/remove")
    assert not policy.can_receive(person, mine.need)
    page = client.get(f"/manage/{organization.slug}/activity").text
    for sentence in ("assigned <a href", "</a> to Cora", "Cora does not coordinate <a href"):
        assert sentence in page, sentence


def test_the_api_says_and_takes_the_needs_of_a_member(app: Flask, house: tuple[Organization, Asked, Asked]) -> None:
    organization, mine, other = house
    person, staff = make_member(organization, "coordinator"), Caller(app, make_member(organization, "owner"))
    path = f"/organizations/{organization.slug}/members"

    def needs() -> object:
        return {decode_id(row["person"]): row["needs"] for row in staff("GET", path).json["data"]}[person.id]

    one = f"{path}/{encode_id(person.id)}"
    assert needs() == "all"
    ids = sorted(encode_id(asked.need.id) for asked in (mine, other))
    answer = staff("PATCH", one, {"role": "coordinator", "needs": ids})
    assert sorted(answer.json["needs"]) == ids
    assert staff("PATCH", one, {"role": "coordinator"}).json["needs"] == answer.json["needs"] == needs()
    assert staff("PATCH", one, {"role": "coordinator", "needs": []}).json["needs"] == []
    for wrong in ("some", ["x"], 7, [encode_id(make_need().id)]):
        assert staff("PATCH", one, {"role": "coordinator", "needs": wrong}).status_code == 422, wrong
    assert staff("PATCH", one, {"role": "viewer", "needs": ids}).status_code == 422
    assert staff("PATCH", one, {"role": "coordinator", "needs": "all"}).json["needs"] == "all"
    for body, said in (({}, "all"), ({"needs": "assigned"}, "assigned")):
        invited = staff(
            "POST", f"/organizations/{organization.slug}/invitations",
            {"email": f"{said}@example.org", "role": "coordinator", **body},
        )  # fmt: skip
        assert (invited.status_code, invited.json["needs"]) == (201, said)
