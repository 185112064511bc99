"""One of everything, and somebody in every role: what the walk over all routes calls with."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal

import sqlalchemy as sa

from app.accounts.feeds import renew_feed
from app.accounts.models import Person
from app.accounts.operations import create_token
from app.accounts.scopes import SCOPES
from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.ids import encode_id, new_id
from app.core.money import Money
from app.core.outbox import Outbox, enqueue
from app.core.pictures import reencode
from app.discovery import operations as following
from app.discovery.subjects import of_organization
from app.donations.money_models import Dispute, MoneyMismatch, Payout, PayoutLine
from app.donations.monthly_queries import monthly_token
from app.donations.operations.giving import start_donation
from app.donations.operations.monthly import begin as begin_monthly
from app.donations.operations.offline import record_offline
from app.donations.queries import donation_token
from app.donations.statements import statement_token
from app.fundraisers.matching import promise_match
from app.fundraisers.pictures import add_picture
from app.fundraisers.updates import post_update
from app.imports.operations import set_columns, start_import, upload_file
from app.imports.uploads import read_upload
from app.learning.models import Fact
from app.learning.operations import withdraw as withdraw_learned
from app.learning.operations.asked import ask_claim, asked_token
from app.messages.delivery import unsubscribe_token
from app.organizations.claims import claim_organization, token_of
from app.organizations.invitations import invite
from app.organizations.invitations import token_of as invitation_token
from app.organizations.operations import LOGO_BOX, add_location, register_organization, set_logo
from app.pages.demo_logos import draw_logo
from app.pledges.operations import pledge, receive_unpledged
from app.pledges.policy import pledge_token
from app.safeguarding.operations import (
    ask_exemption,
    begin_course,
    publish_conduct,
    record_clearance,
    share_clearance,
)
from app.safeguarding.policy import guardian_token
from app.signups.holds import confirm_token, hold_places, page_token
from app.signups.operations import sign_up
from app.signups.policy import place_token
from tests.factories import (
    make_article,
    make_course,
    make_fact,
    make_fundraiser,
    make_guardian,
    make_item,
    make_member,
    make_need,
    make_organization,
    make_person,
    make_question,
    make_shift,
    pass_course,
    pay,
)

CALLERS = (
    "anonymous",
    "supporter",
    "viewer",
    "coordinator",
    "manager",
    "owner",
    "other_owner",
    "moderator",
    "administrator",
)


FILE = b"title,remote\nRead to children,yes\n,yes\n"


@dataclasses.dataclass(frozen=True)
class World:
    """Session ids and tokens by caller, and what stands in the URLs' places."""

    sessions: dict[str, str]
    tokens: dict[str, str]
    values: dict[str, str]


def build() -> World:
    """Fill the database; everything that a URL names is open to its rightful caller."""
    owner = make_person()
    organization = make_organization(owner)
    people: dict[str, Person] = {
        "supporter": make_person(),
        "viewer": make_member(organization, "viewer"),
        "coordinator": make_member(organization, "coordinator"),
        "manager": make_member(organization, "manager"),
        "owner": owner,
        "other_owner": make_person(),
        "moderator": make_person(platform_role="moderator"),
        "administrator": make_person(platform_role="administrator"),
    }
    make_organization(people["other_owner"])
    fact = make_fact(by=people["moderator"])
    article = make_article(
        fact.topic, by=people["moderator"], body=f"{{{{fact {fact.slug}}}}}\n\nNobody knows.[^{fact.slug}]"
    )
    question = make_question(fact.topic, by=people["moderator"])
    wrong = make_fact(fact.topic, by=people["moderator"])
    with transaction():
        withdraw_learned(Fact, wrong.id, by=people["moderator"], because="It was counted twice.")
    with transaction():
        asked, other_asked = (
            ask_claim("They say that every page is a copy.", by=None, seen_where="a forum", email=email)
            for email in ("ana@example.org", "bo@example.org")
        )
    member = make_member(organization, "viewer")
    assigned = make_member(organization, "coordinator", all_needs=False)
    need = make_need(organization)
    shift = make_shift(need)
    item = make_item(need)
    fundraiser = make_fundraiser(organization, need_id=need.id, started_by_id=people["supporter"].id, is_team=True)
    of_team = make_fundraiser(organization, team_id=fundraiser.id)
    minor = make_person(birth_date=today("UTC") - dt.timedelta(days=17 * 365))
    guardianship = make_guardian(minor)
    daytime = make_shift(need, days=9)
    # One of its own in each world. Its name in short has no letters that a catalogue could lack.
    course = make_course(slug=f"x{new_id()}").course.slug
    coming = make_course(slug=course, version=2, publish=False)
    pass_course(people["supporter"], course)
    with transaction():
        # At noon in Newark: the law lets people of that age come (G4).
        daytime.starts_at = dt.datetime.combine(today("UTC") + dt.timedelta(days=9), dt.time(17), dt.UTC)
        daytime.ends_at = daytime.starts_at + dt.timedelta(hours=2)
        db.session.add(daytime)
        db.session.flush()
        begin_course(course, by=people["supporter"])
        minors_place = sign_up(daytime.id, by=minor)
        signup = sign_up(shift.id, by=people["supporter"])
        hold = hold_places(shift.id, name="Gail", email="gail@example.org", birth_date=dt.date(1990, 5, 17))
        feed = renew_feed(people["supporter"].id, by=people["supporter"])
        promise = pledge(item.id, by=people["supporter"], quantity=decimal.Decimal(2))
        enqueue("mail_verify_email", {"person_id": owner.id}, key="given up")
        given_up = db.session.scalars(
            sa.update(Outbox).where(Outbox.key == "given up").values(given_up_at=now()).returning(Outbox.id)
        ).one()
        delivery = receive_unpledged(item.id, by=owner, received=decimal.Decimal(1))
        logo = set_logo(organization.id, reencode(draw_logo("lantern"), box=LOGO_BOX), by=owner)
        location = add_location(organization.id, by=owner, name="Hall", address="", place="Newark, NJ", private=False)
        gift = start_donation(
            fundraiser.id, amount=Money(2500, "USD"), name="Dee", email="dee@example.org", mode="demo",
            by=people["supporter"],
        )  # fmt: skip
        in_hand = record_offline(
            fundraiser.id, by=people["supporter"], amount=Money(1000, "USD"), name="Dee", mode="test",
            received_on=today("Etc/GMT+12"),
        )  # fmt: skip
        said = record_offline(
            fundraiser.id, by=owner, amount=Money(1500, "USD"), name="Dee", mode="test", message="For the books.",
            received_on=today("Etc/GMT+12"),
        )  # fmt: skip
        update = post_update(fundraiser.id, by=people["supporter"], title="Half way", body="Thank you.")
        picture = add_picture(
            fundraiser.id, reencode(draw_logo("lantern"), box=LOGO_BOX), by=owner, alt="A lantern", shows_children=False
        )
        match = promise_match(
            fundraiser.id, by=owner, sponsor="Corner Bakery", cap=Money(10000, "USD"),
            starts_on=today("Pacific/Kiritimati"), ends_on=today("Pacific/Kiritimati"),
        )  # fmt: skip
        given = start_donation(
            fundraiser.id, amount=Money(4000, "USD"), name="Dee", email="dee@example.org", mode="demo",
            by=people["supporter"],
        )  # fmt: skip
        given.mode = "live"
        receipt = pay(given)
        months = begin_monthly(gift)
        months.status = "active"  # what was never paid is none
        dispute = Dispute(
            donation_id=gift.id, organization_id=organization.id, stripe_dispute_id=f"du_{gift.id}", amount_minor=2500,
            currency="USD", status="needs_response", reason="fraudulent", respond_by=now() + dt.timedelta(days=7),
            created_at=now(), checked_at=now(),
        )  # fmt: skip
        payout = Payout(
            organization_id=organization.id, stripe_payout_id=f"po_{gift.id}", amount_minor=2397, currency="USD", status="failed",
            problem="account_closed", arrives_on=dt.date(2026, 11, 20), automatic=True, created_at=now(),
            checked_at=now(),
        )  # fmt: skip
        mismatch = MoneyMismatch(
            organization_id=organization.id, donation_id=gift.id, account_key="platform", kind="amount", subject=f"txn_{gift.id}",
            detail="charge", created_at=now(), found_last_at=now(),
        )  # fmt: skip
        db.session.add_all([dispute, payout, mismatch])
        db.session.flush()
        line = PayoutLine(
            payout_id=payout.id, organization_id=organization.id, fundraiser_id=fundraiser.id, donation_id=gift.id,
            stripe_balance_transaction_id=f"txn_{gift.id}", kind="charge", amount_minor=2500, fee_minor=103, currency="USD",
        )  # fmt: skip
        db.session.add(line)
        imported = register_organization(
            name="Imported Kitchen",
            by=None,
            owner=None,
            country="US",
            place="Newark, NJ",
            website="https://kitchen.example.org",
        )
        imported.verified_at = now()
        twin = register_organization(
            name="Imported Kitchen Inc.", by=None, owner=None, country="US", place="Newark, NJ"
        )
        claim = claim_organization(imported.id, by=people["supporter"], mailbox="info")
        invited = invite(organization.id, by=owner, email=people["supporter"].email, role="coordinator")
        looked_at, taken = (upload_file(organization.id, read_upload(FILE, "needs.csv"), by=owner) for _n in range(2))
        for batch in (looked_at, taken):
            set_columns(batch.id, columns={"title": "title", "remote": "remote"}, constants={}, by=owner)
        start_import(taken.id, publish=False, by=owner)
        clearance = record_clearance(
            organization.id, by=owner, email=people["supporter"].email, kind="identity", issued_on=dt.date(2026, 1, 5)
        )
        share_clearance(clearance.id, imported.id, by=people["supporter"])
        publish_conduct(organization.id, "Two adults are always there.", by=owner)
        exemption = ask_exemption(
            organization.id, by=owner, email=people["supporter"].email, kind="training", level="first_aid",
            reason="The course is full", starts_on=today("UTC"), ends_on=today("UTC") + dt.timedelta(days=30),
        )  # fmt: skip
        followed = of_organization(organization)
        follow = following.follow(people["supporter"].id, followed, frequency="weekly", zone="UTC")
        asked_to_follow, answered = (
            following.ask_to_follow(followed, email=email, frequency="weekly", locale=None)
            for email in ("gail@example.org", "walt@example.org")
        )
        by_address = following.confirm(answered.id, zone="UTC")
        tokens = {caller: create_token(person, scopes=list(SCOPES)) for caller, person in people.items()}
    db.session.expire_all()
    return World(
        sessions={caller: person.get_id() for caller, person in people.items()},
        tokens=tokens,
        values={
            "slug": organization.slug,
            "list_name": "signups",
            "need_id": encode_id(need.id),
            "shift_id": encode_id(shift.id),
            "item_id": encode_id(item.id),
            "signup_id": encode_id(signup.id),
            "pledge_id": encode_id(promise.id),
            "person_id": encode_id(member.id),
            "assigned_id": encode_id(assigned.id),
            "location_id": encode_id(location.id),
            "donation_id": encode_id(gift.id),
            "paid_token": donation_token(given.id),
            "receipt_id": encode_id(receipt.id),
            "statement_token": statement_token(given.id, receipt.given_on.year),
            "year": str(receipt.given_on.year),
            "digest": logo.digest,
            "fundraiser": fundraiser.slug,
            "fundraiser_slug": fundraiser.slug,
            "of_team_slug": of_team.slug,
            "gift_id": encode_id(in_hand.id),
            "message_id": encode_id(said.id),
            "update_id": encode_id(update.id),
            "picture_id": encode_id(picture.id),
            "picture_digest": picture.digest,
            "match_id": encode_id(match.id),
            "topic_slug": fact.topic.slug,
            "fact_slug": fact.slug,
            "withdrawn_slug": wrong.slug,
            "kind": "facts",
            "key": "us-cybertipline",
            "article_slug": article.slug,
            "question_slug": question.slug,
            "asked_id": encode_id(asked.id),
            "other_asked_id": encode_id(other_asked.id),
            "asked_token": asked_token(asked),
            "unclaimed_slug": imported.slug,
            "one_id": encode_id(imported.id),
            "other_id": encode_id(twin.id),
            "claim_id": encode_id(claim.id),
            "claim_token": token_of(claim),
            "invitation_id": encode_id(invited.id),
            "invitation_token": invitation_token(invited),
            "exemption_id": encode_id(exemption.id),
            "guardianship_id": encode_id(guardianship.id),
            "guardian_token": guardian_token(guardianship),
            "minors_signup_id": encode_id(minors_place.id),
            "today": today("America/New_York").isoformat(),
            "clearance_id": encode_id(clearance.id),
            "supporter_email": people["supporter"].email,
            "batch_id": encode_id(looked_at.id),
            "done_batch_id": encode_id(taken.id),
            "line": "3",
            "token": donation_token(gift.id),
            "monthly_token": monthly_token(months.id),
            "monthly_id": encode_id(months.id),
            "dispute_id": encode_id(dispute.id),
            "payout_id": encode_id(payout.id),
            "mismatch_id": encode_id(mismatch.id),
            "position_id": encode_id(signup.position_id),
            "hold_token": page_token(hold),
            "confirm_token": confirm_token(hold),
            "place_token": place_token(signup),
            "feed_token": feed,
            "promise_id": encode_id(given_up),
            "delivery_id": encode_id(delivery.id),
            "pledge_token": pledge_token(promise),
            "mail_token": unsubscribe_token(people["supporter"], "reminder"),
            "course_slug": course,
            "course_version_id": encode_id(coming.id),
            "position": "1",
            "follow_id": encode_id(follow.id),
            "request_token": following.page_token(asked_to_follow),
            "follow_token": following.confirm_token(asked_to_follow),
            "one_token": following.stop_one_token(by_address),
            "all_token": following.stop_all_token(by_address.follower),
            "feature": "signups",
            "mail": "confirmed",
            "version": str(need.version),
            "starts_at": (now() + dt.timedelta(days=3)).isoformat(),
            "ends_at": (now() + dt.timedelta(days=3, hours=2)).isoformat(),
        },
    )
