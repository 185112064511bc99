"""A list of the API asks the database as often for twenty rows as for three."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id, new_id
from app.core.money import Money
from app.discovery.operations import follow
from app.discovery.subjects import of_fundraiser, of_organization
from app.donations.messages import report_message
from app.donations.models import Donation
from app.donations.money_models import Dispute, FraudWarning, MoneyMismatch, Payout, PayoutLine, Refund
from app.donations.operations.giving import start_donation
from app.donations.operations.monthly import begin as begin_monthly
from app.donations.operations.offline import record_offline
from app.fundraisers.matching import promise_match
from app.fundraisers.models import Fundraiser, MatchingGift
from app.fundraisers.updates import post_update
from app.imports.operations import set_columns, start_import, upload_file
from app.imports.uploads import read_upload
from app.organizations.invitations import invite
from app.organizations.models import Organization
from app.organizations.operations import add_location
from app.pledges.operations import pledge, receive_pledge, receive_unpledged
from app.safeguarding.operations import publish_conduct, revoke_clearance, set_profile
from app.safeguarding.requirements import Requirement
from app.signups.operations import sign_up
from tests.api.test_main_job import Caller
from tests.factories import (
    allow_contact,
    make_article,
    make_clearance,
    make_course,
    make_fact,
    make_fundraiser,
    make_item,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_shift,
    make_topic,
    pay,
)


def needs(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    for _number in range(count):
        made = make_need(organization)
        make_shift(made)
        make_item(made)
    return "/needs"


def organizations(owner: Person, count: int) -> str:
    for _number in range(count):
        make_organization(owner)
    return "/organizations"


def fundraisers(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    for _number in range(count):
        make_fundraiser(organization, started_by_id=owner.id)
    return "/fundraisers"


def shifts(owner: Person, count: int) -> str:
    need = make_need(make_organization(owner))
    for _number in range(count):
        make_shift(need)
    return f"/needs/{encode_id(need.id)}/shifts"


def signups(owner: Person, count: int) -> str:
    shift = make_shift(make_need(make_organization(owner)), capacity=count)
    people = [make_person() for _number in range(count)]
    with transaction():
        for person in people:
            sign_up(shift.id, by=person)
    return f"/shifts/{encode_id(shift.id)}/signups"


def pledges(owner: Person, count: int) -> str:
    item = make_item(make_need(make_organization(owner)), quantity="100")
    people = [make_person() for _number in range(count)]
    with transaction():
        for person in people:
            pledge(item.id, by=person, quantity=decimal.Decimal(1))
    return f"/items/{encode_id(item.id)}/pledges"


def items(owner: Person, count: int) -> str:
    need = make_need(make_organization(owner))
    for _number in range(count):
        make_item(need)
    return f"/needs/{encode_id(need.id)}/items"


def members(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    for _number in range(count):
        make_member(organization, "viewer")
    return f"/organizations/{organization.slug}/members"


def invitations(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    with transaction():
        for number in range(count):
            invite(organization.id, by=owner, email=f"asked{number}@example.org", role="viewer")
    return f"/organizations/{organization.slug}/invitations"


def locations(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    with transaction():
        for number in range(count):
            add_location(
                organization.id, by=owner, name=f"Hall {number}", address="", place="Newark, NJ", private=False
            )
    return f"/organizations/{organization.slug}/locations"


def my_places(owner: Person, count: int) -> str:
    need = make_need(make_organization())
    shifts = [make_shift(need, days=3 + number) for number in range(count)]
    with transaction():
        for shift in shifts:
            sign_up(shift.id, by=owner)
    return "/me/signups"


def my_gifts(owner: Person, count: int) -> str:
    for _number in range(count):
        fundraiser = make_fundraiser(make_organization(), started_by_id=make_person().id)
        with transaction():
            start_donation(fundraiser.id, amount=Money(2500, "USD"), name="", email=owner.email, mode="demo", by=owner)
            db.session.execute(Donation.__table__.update().values(status="paid"))  # type: ignore[attr-defined]  # a table
    return "/me/donations"


def mine(owner: Person, count: int) -> str:
    need = make_need(make_organization())
    items = [make_item(need) for _number in range(count)]
    with transaction():
        for item in items:
            pledge(item.id, by=owner, quantity=decimal.Decimal(1))
    return "/me/pledges"


def gifts(owner: Person, count: int) -> str:
    fundraiser = make_fundraiser(make_organization(owner), started_by_id=owner.id)
    with transaction():
        for _number in range(count):
            start_donation(
                fundraiser.id, amount=Money(2500, "USD"), name="Dee", email="dee@example.org", mode="demo", by=None
            )
        db.session.execute(Donation.__table__.update().values(status="paid"))  # type: ignore[attr-defined]  # a table
    return f"/fundraisers/{fundraiser.slug}/donations"


def arrivals(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    need = make_need(organization)
    items, people = [make_item(need) for _number in range(count)], [make_person() for _number in range(count)]
    with transaction():
        for item, person in zip(items, people, strict=True):
            pledge(item.id, by=person, quantity=decimal.Decimal(1))
    return f"/organizations/{organization.slug}/arrivals"


def deliveries(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    need = make_need(organization)
    items, people = [make_item(need) for _number in range(count)], [make_person() for _number in range(count)]
    with transaction():
        for item, person in zip(items, people, strict=True):
            made = pledge(item.id, by=person, quantity=decimal.Decimal(1))
            receive_pledge(made.id, by=owner, received=decimal.Decimal(1))
            receive_unpledged(item.id, by=owner, received=decimal.Decimal(1))
    return f"/organizations/{organization.slug}/deliveries"


def my_fundraisers(owner: Person, count: int) -> str:
    for _number in range(count):
        make_fundraiser(make_organization(), started_by_id=owner.id)
    return "/me/fundraisers"


def import_rows(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    content = "title,remote\n" + "".join(f"Read {number},{'yes' if number % 2 else ''}\n" for number in range(count))
    with transaction():
        batch = upload_file(organization.id, read_upload(content.encode(), "needs.csv"), by=owner)
        set_columns(batch.id, columns={"title": "title", "remote": "remote"}, constants={}, by=owner)
        start_import(batch.id, publish=False, by=owner)
    return f"/imports/{encode_id(batch.id)}/rows"


def asking(organization: Organization) -> None:
    """The organization asks for everything it may, with contact."""
    allow_contact(organization)
    by = make_member(organization, "owner")
    with transaction():
        publish_conduct(organization.id, "Two adults are always there.", by=by)
        wanted = [Requirement("identity"), Requirement("code_of_conduct"), Requirement("reference")]
        set_profile(organization.id, wanted, by=by)


def needs_with_contact(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    asking(organization)
    for _number in range(count):
        make_shift(make_need(organization), contact="children")
    return "/needs"


def shifts_with_contact(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    asking(organization)
    need = make_need(organization)
    for _number in range(count):
        make_shift(need, contact="children")
    return f"/needs/{encode_id(need.id)}/shifts"


def signups_with_contact(owner: Person, count: int) -> str:
    """Half of them do not stand."""
    organization = make_organization(owner)
    allow_contact(organization)
    shift = make_shift(make_need(organization), capacity=count, contact="children")
    people = [make_person() for _number in range(count)]
    kept = [make_clearance(person, organization) for person in people]
    with transaction():
        for person in people:
            sign_up(shift.id, by=person)
        for clearance in kept[::2]:
            revoke_clearance(clearance.id, by=owner, reason="Withdrawn")
    return f"/shifts/{encode_id(shift.id)}/signups"


def clearances(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    for _number in range(count):
        make_clearance(make_person(), organization, recorded_by_id=owner.id)
    return f"/organizations/{organization.slug}/clearances"


def my_clearances(owner: Person, count: int) -> str:
    for _number in range(count):
        make_clearance(owner, make_organization())
    return "/me/clearances"


def articles(owner: Person, count: int) -> str:
    topic, fact = make_topic(), make_fact()
    for _number in range(count):
        make_article(topic, body=f"Ask who says so.[^{fact.slug}]")
    return "/learn/articles"


def facts(owner: Person, count: int) -> str:
    topic = make_topic()
    for _number in range(count):
        make_fact(topic)
    return "/learn/facts"


def courses(owner: Person, count: int) -> str:
    for number in range(count):
        make_course(slug=f"course-{owner.id}-{number}")
    return "/learn/courses"


def follows(owner: Person, count: int) -> str:
    organizations = [make_organization() for _number in range(count)]
    with transaction():
        for organization in organizations:
            follow(owner.id, of_organization(organization), frequency="weekly", zone="America/New_York")
    return "/me/follows"


def follows_of_fundraisers(owner: Person, count: int) -> str:
    pages = [make_fundraiser() for _number in range(count)]
    with transaction():
        for page in pages:
            follow(owner.id, of_fundraiser(page), frequency="weekly", zone="America/New_York")
    return "/me/follows"


def updates(owner: Person, count: int) -> str:
    fundraiser = make_fundraiser(make_organization(owner), started_by_id=owner.id)
    with transaction():
        for number in range(count):
            post_update(fundraiser.id, by=owner, title=f"Mile {number}", body="It rained.")
    return f"/fundraisers/{fundraiser.slug}/updates"


def in_person(owner: Person, count: int) -> str:
    fundraiser = make_fundraiser(make_organization(owner), started_by_id=owner.id)
    give_in_person(fundraiser, owner, count)
    return f"/fundraisers/{fundraiser.slug}/gifts-in-person"


def give_in_person(fundraiser: Fundraiser, owner: Person, count: int) -> None:
    """So many gifts in person that staff recorded."""
    day = today(fundraiser.organization.time_zone)
    with transaction():
        for number in range(count):
            record_offline(
                fundraiser.id, by=owner, amount=Money(1000 + number, "USD"), name="Dee", mode="demo", received_on=day,
                message="For the books.",
            )  # fmt: skip


def matches(owner: Person, count: int) -> str:
    fundraiser = make_fundraiser(make_organization(owner))
    day = today(fundraiser.organization.time_zone)
    with transaction():
        for _number in range(count):
            made = MatchingGift(
                fundraiser_id=fundraiser.id, sponsor="A neighbor", cap_minor=1000, currency="USD", starts_on=day,
                ends_on=day, created_by_id=owner.id, created_at=now(),
            )  # fmt: skip
            db.session.add(made)
    return f"/fundraisers/{fundraiser.slug}/matches"


def matched_gifts(owner: Person, count: int) -> str:
    fundraiser = make_fundraiser(make_organization(owner))
    day = today(fundraiser.organization.time_zone)
    with transaction():
        match = promise_match(
            fundraiser.id, by=owner, sponsor="A neighbor", cap=Money(10**7, "USD"), starts_on=day, ends_on=day
        )
    give_in_person(fundraiser, owner, count)
    return f"/matches/{encode_id(match.id)}/gifts"


def of_organization_pages(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    team = make_fundraiser(organization, is_team=True)
    for _number in range(count):
        make_fundraiser(organization, team_id=team.id, show_starter=True)
    return f"/organizations/{organization.slug}/fundraisers"


def team_pages(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    team = make_fundraiser(organization, is_team=True)
    for _number in range(count):
        make_fundraiser(organization, team_id=team.id)
    return f"/fundraisers/{team.slug}/members"


def organization_gifts(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    for _number in range(count):
        give_in_person(make_fundraiser(organization), owner, 1)
    return f"/organizations/{organization.slug}/donations"


def messages(owner: Person, count: int) -> str:
    fundraiser = make_fundraiser(make_organization(owner))
    give_in_person(fundraiser, owner, count)
    written = sa.select(Donation.id).where(Donation.fundraiser_id == fundraiser.id)
    with transaction():
        for key in db.session.scalars(written).all():
            report_message(key, by=None, network="192.0.2.1", reason="Not about the books")
    return f"/fundraisers/{fundraiser.slug}/messages"


def paid_gifts(owner: Person, count: int) -> tuple[Organization, Fundraiser, list[Donation]]:
    """So many gifts of real money, each with its receipt."""
    organization = make_organization(owner)
    fundraiser = make_fundraiser(organization)
    with transaction():
        made = [
            start_donation(fundraiser.id, amount=Money(2500, "USD"), name="Dee", email="dee@example.org", mode="demo")
            for _number in range(count)
        ]
        for donation in made:
            donation.mode = "live"
            pay(donation)
    return organization, fundraiser, made


def receipts(owner: Person, count: int) -> str:
    organization, _fundraiser, _gifts = paid_gifts(owner, count)
    return f"/organizations/{organization.slug}/receipts"


def refunds(owner: Person, count: int) -> str:
    _organization, _fundraiser, [gift] = paid_gifts(owner, 1)
    with transaction():
        for _number in range(count):
            made = Refund(
                donation_id=gift.id, organization_id=gift.organization_id, amount_minor=1, currency="USD",
                status="refused", reason="duplicate", created_at=now(),
            )  # fmt: skip
            db.session.add(made)
    return f"/donations/{encode_id(gift.id)}/refunds"


def of_each_gift(owner: Person, count: int, model: type[Dispute | FraudWarning], key: str, **values: Any) -> str:
    """The organization's address, with so many gifts of which each has one of `model`."""
    organization, _fundraiser, gifts = paid_gifts(owner, count)
    with transaction():
        for gift in gifts:
            of_gift = {"donation_id": gift.id, "organization_id": organization.id, key: f"{key}_{gift.id}"}
            db.session.add(model(**of_gift, created_at=now(), **values))
    return f"/organizations/{organization.slug}"


def disputes(owner: Person, count: int) -> str:
    said = {"amount_minor": 2500, "currency": "USD", "status": "needs_response", "reason": "fraudulent"}
    return f"{of_each_gift(owner, count, Dispute, 'stripe_dispute_id', checked_at=now(), **said)}/disputes"


def pay_out(organization: Organization, fundraiser: Fundraiser, count: int, *, lines: int = 1) -> list[Payout]:
    """So many payouts, each with `lines` lines of the fundraiser."""
    made = [
        Payout(
            organization_id=organization.id, stripe_payout_id=f"po_{new_id()}", amount_minor=2397, currency="USD",
            status="paid", arrives_on=today("UTC"), automatic=True, created_at=now(), checked_at=now(),
        )
        for _number in range(count)
    ]  # fmt: skip
    with transaction():
        db.session.add_all(made)
        db.session.flush()
        for payout in made:
            for _line in range(lines):
                line = PayoutLine(
                    payout_id=payout.id, organization_id=organization.id, fundraiser_id=fundraiser.id, kind="charge",
                    stripe_balance_transaction_id=f"txn_{new_id()}", amount_minor=2500, fee_minor=103, currency="USD",
                )  # fmt: skip
                db.session.add(line)
    return made


def payouts(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    pay_out(organization, make_fundraiser(organization), count)
    return f"/organizations/{organization.slug}/payouts"


def payout_lines(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    [payout] = pay_out(organization, make_fundraiser(organization), 1, lines=count)
    return f"/organizations/{organization.slug}/payouts/{encode_id(payout.id)}/lines"


def trail(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    fundraiser = make_fundraiser(organization)
    pay_out(organization, fundraiser, count)
    return f"/fundraisers/{fundraiser.slug}/payouts"


def trail_of_gift(owner: Person, count: int) -> str:
    organization, fundraiser, [gift] = paid_gifts(owner, 1)
    pay_out(organization, fundraiser, count)
    with transaction():
        db.session.execute(sa.update(PayoutLine).values(donation_id=gift.id))
    return f"/donations/{encode_id(gift.id)}/payouts"


def warnings(owner: Person, count: int) -> str:
    said = {"kind": "made_with_stolen_card", "actionable": True}
    return f"{of_each_gift(owner, count, FraudWarning, 'stripe_warning_id', **said)}/fraud-warnings"


def differences(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    with transaction():
        for _number in range(count):
            made = MoneyMismatch(
                organization_id=organization.id, account_key="platform", kind="amount", subject=f"txn_{new_id()}",
                detail="charge", created_at=now(), found_last_at=now(),
            )  # fmt: skip
            db.session.add(made)
    return f"/organizations/{organization.slug}/differences"


def give_monthly(fundraiser: Fundraiser, owner: Person, count: int) -> list[Donation]:
    """So many monthly gifts of one donor, each with its first month paid."""
    with transaction():
        begun = [
            start_donation(
                fundraiser.id, amount=Money(2500, "USD"), name="Dee", email=owner.email, mode="demo", by=owner
            )
            for _number in range(count)
        ]
        for donation in begun:
            begin_monthly(donation).status = "active"
            donation.status = "paid"
    return begun


def monthly_gifts(owner: Person, count: int) -> str:
    organization = make_organization(owner)
    give_monthly(make_fundraiser(organization), make_person(), count)
    return f"/organizations/{organization.slug}/monthly-gifts"


def my_monthly_gifts(owner: Person, count: int) -> str:
    give_monthly(make_fundraiser(), owner, count)
    return "/me/monthly-gifts"


def months(owner: Person, count: int) -> str:
    given = give_monthly(make_fundraiser(), owner, count)
    first = given[0].monthly_gift_id or 0
    with transaction():
        for donation in given:
            db.session.add(donation)
            donation.monthly_gift_id = first
    return f"/monthly-gifts/{encode_id(first)}/donations"


LISTS = [
    needs, organizations, fundraisers, shifts, items, signups, pledges, gifts, members, locations, invitations,
    mine, my_places, my_gifts, my_fundraisers, arrivals, deliveries, import_rows, clearances, my_clearances,
    articles, facts, courses, follows, updates, in_person, matches, matched_gifts,
    monthly_gifts, my_monthly_gifts, months, of_organization_pages, team_pages, organization_gifts, messages,
    receipts, refunds, disputes, payouts, payout_lines, trail, differences, trail_of_gift, warnings,
]  # fmt: skip
# The same lists with other rows in them.
VARIED = [needs_with_contact, shifts_with_contact, signups_with_contact, follows_of_fundraisers]


def test_every_list_is_counted(app: Flask) -> None:
    document = app.test_client().get("/api/v1/openapi.json").json
    assert document is not None
    lists = [
        path
        for path, operations in document["paths"].items()
        if "get" in operations and "List" in str(operations["get"]["responses"]["200"])
    ]
    assert len(lists) == len(LISTS), lists


@pytest.mark.parametrize("fill", [*LISTS, *VARIED])
def test_twenty_rows_cost_as_many_statements_as_three(
    app: Flask, count_queries: list[str], fill: Callable[[Person, int], str]
) -> None:
    counted = []
    for count in (3, 20):
        owner = make_person()
        path = fill(owner, count)
        ask = Caller(app, owner)
        db.session.remove()
        count_queries.clear()
        answer = ask("GET", f"{path}?limit=100")
        assert answer.status_code == 200
        rows = answer.json["data"] if isinstance(answer.json, dict) else answer.json
        assert len(rows) >= count
        counted.append(len(count_queries))
    assert counted[0] == counted[1] <= 12
