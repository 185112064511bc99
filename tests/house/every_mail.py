"""Everything that anybody is written about here, done by the real acts."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
from email.message import EmailMessage

import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.accounts.operations import register_person, request_email_change, request_link
from app.core import jobs
from app.core.clock import local_date, now, today
from app.core.db import db, transaction
from app.core.money import Money
from app.core.outbox import Outbox, enqueue
from app.discovery.operations import ask_to_follow, follow
from app.discovery.subjects import of_organization
from app.donations.models import Donation
from app.donations.money_models import Dispute, FraudWarning, Payout, Refund
from app.donations.operations.giving import start_donation
from app.donations.operations.monthly import begin as begin_monthly
from app.donations.operations.offline import record_offline
from app.fundraisers.operations import decline_fundraiser, start_fundraiser
from app.learning.operations.asked import answer_with, ask_claim, confirm_asked_email, decline_claim
from app.messages.operations import choose_mail
from app.moderation.merging import merge_organizations
from app.moderation.operations import verify_organization
from app.needs.models import Shift
from app.needs.operations.closing import close_need
from app.needs.operations.coordinators import assign_need, remove_member
from app.needs.operations.inputs import PlaceInput, PositionInput, ShiftInput
from app.needs.operations.needs import edit_need, pause_need
from app.needs.operations.shifts import cancel_shift, edit_shift
from app.organizations.claims import answer_claim, claim_organization
from app.organizations.invitations import accept_invitation, decline_invitation, invite, token_of
from app.organizations.members import add_membership, change_role, end_membership, lock_organization
from app.organizations.operations import register_organization
from app.pledges.operations import cancel_pledge, pledge, receive_pledge
from app.safeguarding.operations import (
    answer_guardianship,
    ask_guardian,
    object_to_clearance,
    record_clearance,
    revoke_clearance,
)
from app.signups.holds import hold_places
from app.signups.operations import cancel_signup, review_shift, sign_up
from app.signups.staff import cancel_place, change_place
from app.signups.waitlist import edit_shift_moving_latest, join
from tests.factories import (
    allow_contact,
    make_fundraiser,
    make_item,
    make_need,
    make_organization,
    make_person,
    make_question,
    make_shift,
    pay,
)
from tests.house import pseudo
from tests.house.bodies import PASSWORD
from tests.smtp import mail_server


def send_every_mail(app: Flask) -> list[EmailMessage]:
    """Do everything that somebody is written about, and keep the promises; what arrived."""
    before = app.config["SETTINGS"]
    with mail_server() as box, app.app_context():
        app.config["SETTINGS"] = dataclasses.replace(before, mail_url=box.url)
        owner, helper, young = (make_person(birth_date=dt.date(year, 5, 17)) for year in (1980, 1985, 2005))
        minor = make_person(birth_date=today("UTC") - dt.timedelta(days=15 * 366))
        moderator, organization = make_person(platform_role="moderator"), make_organization(owner)
        opened_at = now() - dt.timedelta(minutes=5)
        need = make_need(organization, ends_on=today("UTC") + dt.timedelta(days=20), published_at=opened_at)
        shifts = [make_shift(need, days=days) for days in (3, 5, 7)]
        tall, small = (make_shift(need, days=days) for days in (9, 11))
        with_children = make_shift(need, days=0.5, contact="children")
        # Three wait for one place; the first of them is elsewhere then. And one close to its start.
        line, elsewhere, near = (make_shift(need, days=days, capacity=1) for days in (13, 13, 0.4))
        waiting = [make_person() for _one in range(3)]
        allow_contact(organization)
        items = [make_item(need) for _one in range(3)]
        fundraiser, answer = make_fundraiser(organization, started_by_id=helper.id), make_question()
        with transaction():
            db.session.execute(sa.update(Person).values(locale=pseudo.LOCALE))
            for shift in shifts[:2]:
                sign_up(shift.id, by=helper)
            sign_up(shifts[2].id, by=young)
            cancelled = sign_up(shifts[2].id, by=helper)
            for_them = [sign_up(shift.id, by=young) for shift in (shifts[1], tall, small)]
            late = pledge(items[0].id, by=young, quantity=decimal.Decimal(1))
            kept, given_back, not_needed = (pledge(item.id, by=helper, quantity=decimal.Decimal(4)) for item in items)
            hold_places(
                shifts[1].id, name="Gail", email="gail@example.org", birth_date=owner.birth_date, locale=pseudo.LOCALE
            )
            choose_mail(
                owner.id,
                by=owner,
                choices=dict.fromkeys(("staff_signups", "staff_cancellations", "staff_pledges"), "at_once"),
                quiet=(0, 0),
            )
            for known in (helper, young):
                choose_mail(known.id, by=known, choices={}, quiet=(0, 0))
            subject = of_organization(organization)
            ask_to_follow(subject, email="gail@example.org", frequency="weekly", locale=pseudo.LOCALE)
            followed = follow(helper.id, subject, frequency="daily", zone="UTC")
            followed.told_until = opened_at - dt.timedelta(days=1)
            told = {"follower_id": followed.follower_id, "follow_ids": [followed.id]}
            enqueue("mail_follow_digest", told, key="digest of follows")
            gift, real = (
                start_donation(
                    fundraiser.id, amount=Money(250000, "USD"), name="Dee", email="dee@example.org", mode="demo", by=None,
                    locale=pseudo.LOCALE,
                )
                for _one in range(2)
            )  # fmt: skip
            months = begin_monthly(gift)
            owner.password_hash = "of some password"
            for known in (helper, owner):
                register_person(email=known.email, name="Again", password=PASSWORD)
            for purpose in ("reset_password", "sign_in"):
                request_link(helper.email, purpose)
            request_email_change(helper.id, "moved@example.org")
            register_person(email="new@example.org", name="New", password=PASSWORD, locale=pseudo.LOCALE)
            imported = register_organization(
                name="Imported",
                by=None,
                owner=None,
                country="US",
                place="Newark, NJ",
                website="https://kitchen.example.org",
            )
            claim = claim_organization(imported.id, by=helper, mailbox="info")
            invited = [
                invite(organization.id, by=owner, email=known.email, role="manager") for known in (helper, young)
            ]
            start_fundraiser(organization.id, by=helper, title="Walk", story="Why I walk.", goal=Money(100000, "USD"))
            record_clearance(
                organization.id, by=owner, email=young.email, kind="identity", issued_on=today("Etc/GMT+12")
            )
            recorded = record_clearance(
                organization.id, by=owner, email=helper.email, kind="background_check", level="us_fitness",
                issued_on=today("Etc/GMT+12"),
            )  # fmt: skip
            object_to_clearance(recorded.id, by=helper, objection="Why I walk.")
            asked, refused = (
                ask_claim("Why I walk, and where to.", by=asker, tell=True, email=email, locale=pseudo.LOCALE)
                for asker, email in ((helper, ""), (None, "asker@example.org"))
            )
            guardianship = ask_guardian(minor.id, by=minor, name="Again", email="guardian@example.org")
            review_shift(with_children.id)
            in_line = [sign_up(line.id, by=owner), *(join(line.id, by=each) for each in waiting)]
            soon = [sign_up(near.id, by=waiting[0]), join(near.id, by=waiting[1])]
            sign_up(elsewhere.id, by=waiting[0])
        jobs.work_off(app.extensions["outbox_handlers"], ())
        with transaction():
            answer_with(asked.id, answer.slug, by=moderator)
            confirm_asked_email(refused.id)
            decline_claim(refused.id, "person_in_danger", by=moderator)
            cancel_signup(cancelled.id, by=helper)
            cancel_signup(in_line[0].id, by=owner)
            cancel_signup(soon[0].id, by=waiting[0])
            cancel_place(for_them[0].id, by=owner, reason="asked_by_them")
            change_place(for_them[1].id, by=owner, party_size=2, shift_id=tall.id, position_id=for_them[1].position_id)
            edit_shift_moving_latest(small.id, moved(small, capacity=0), by=owner)
            revoke_clearance(recorded.id, by=owner, reason="wet")
            answer_guardianship(guardianship.id, consents=True)
            pledge(items[0].id, by=helper, quantity=decimal.Decimal(1), mode="add")
            cancel_pledge(given_back.id, by=helper)
            cancel_pledge(not_needed.id, by=owner, reason="no_longer_needed")
            cancel_shift(shifts[0].id, by=owner)
            edit_need(
                need.id, by=owner, place=PlaceInput(city="Newark", region="NJ", country="US", address="1 Broad St")
            )
            edit_shift(shifts[1].id, moved(shifts[1], hours=1), by=owner)
            edit_shift(shifts[2].id, moved(shifts[2], minimum_age=30), by=owner)
            verify_organization(organization.id, by=moderator, checked="register")
            accept_invitation(token_of(invited[0]), by=helper)
            decline_invitation(token_of(invited[1]))
            change_role(organization.id, helper.id, by=owner, role="coordinator", all_needs=False)
            assign_need(need.id, helper.id, by=owner)
        jobs.work_off(app.extensions["outbox_handlers"], ())
        with transaction():
            remove_member(organization.id, helper.id, by=owner)
            enqueue("mail_fundraiser_goal_reached", {"fundraiser_id": fundraiser.id}, key="goal")
            enqueue("mail_fundraiser_milestone", {"fundraiser_id": fundraiser.id, "percent": 50}, key="milestone")
            recorded_gift = record_offline(
                fundraiser.id, by=helper, amount=Money(1000, "USD"), name="Dee", received_on=today("Etc/GMT+12"),
                mode="test",
            )  # fmt: skip
            enqueue("mail_message_reported", {"donation_id": recorded_gift.id}, key="reported")
            gift.status, gift.problem = "failed", "insufficient_funds"
            enqueue("mail_donation_failed", {"donation_id": gift.id}, key="failed")
            months.status, fundraiser.ends_on = "active", today("UTC")
            told = {"monthly_gift_id": months.id, "last_day": today("UTC").isoformat()}
            enqueue("mail_monthly_ends_soon", told, key="monthly ends soon")
            again = {"monthly_gift_id": months.id, "again_at": now().isoformat()}
            enqueue("mail_monthly_failed", again, key="monthly failed")
        jobs.work_off(app.extensions["outbox_handlers"], ())
        with transaction():
            in_line[2].offer_expires_at = now()
            receive_pledge(kept.id, by=owner, received=decimal.Decimal(3), rejected=decimal.Decimal(1), reason="wet")
            decline_fundraiser(fundraiser.id, by=owner, reason="later")
            answer_claim(claim.id, grant=True, by=None, reason="")
            twin = register_organization(name="Twin", by=None, owner=None, country="US", place="Newark, NJ")
            merge_organizations(twin.id, imported.id, by=moderator, typed_name="Twin", with_members=True)
            enqueue("mail_records_moved", {"duplicate_id": twin.id, "person_id": helper.id}, key="records_moved")
            need.confirm_by = today("UTC")
            about = {"need_id": need.id, "person_id": owner.id, "confirm_by": need.confirm_by.isoformat()}
            enqueue("mail_need_confirm", about, key="confirm")
            db.session.execute(sa.update(Outbox).where(Outbox.done_at.is_(None)).values(due_at=now()))
            gift.status = "paid"
            enqueue("mail_donation_thanks", {"donation_id": gift.id}, key="thanks")
            real.mode = "live"
            about_real = {"donation_id": real.id, "receipt_id": pay(real).id}
            enqueue("mail_donation_receipt", about_real, key="receipt")
            enqueue("mail_donation_statement", about_real, key="statement")
            months.status, months.ended_by, months.ended_at = "ended", "fundraiser", now()
            enqueue("mail_monthly_ended", {"monthly_gift_id": months.id}, key="monthly ended")
        jobs.work_off(app.extensions["outbox_handlers"], ())
        with transaction():
            pause_need(need.id, by=owner)
            enqueue("mail_need_unconfirmed", about, key="unconfirmed")
            gift.status = "processing"
            enqueue("mail_donation_processing", {"donation_id": gift.id}, key="processing")
            # The day whose eight o'clock comes next there.
            told_on = local_date(now() + dt.timedelta(hours=16), "America/New_York")
            daily = {"person_id": owner.id, "organization_id": organization.id, "day": told_on.isoformat()}
            choose_mail(owner.id, by=owner, choices={"staff_signups": "daily"})
            enqueue("staff_digest", daily, key="digest")
            late.deliver_by = today("UTC") - dt.timedelta(days=2)
            enqueue("pledge_overdue", {"pledge_id": late.id}, key="overdue")
            expired = {"pledge_id": given_back.id}
            enqueue("pledge_expired", expired, key="expired")
            enqueue("pledge_reminder", {"pledge_id": late.id, "deliver_by": str(late.deliver_by)}, key="reminder")
            tell_of_money(gift, owner)
        jobs.work_off(app.extensions["outbox_handlers"], ())
        with transaction():
            verify_organization(imported.id, by=moderator, checked="register")
        theirs = make_need(imported)
        asked, wanted = make_shift(theirs), make_item(theirs)
        with transaction():
            sign_up(asked.id, by=owner)
            pledge(wanted.id, by=owner, quantity=decimal.Decimal(1))
        with transaction():
            close_need(need.id, by=owner, outcome="Why I walk.", people_helped=2, thanks="later", tell=True)
            db.session.execute(sa.update(Outbox).where(Outbox.kind.like("need_closed%")).values(due_at=now()))
            add_membership(lock_organization(imported.id), young, "viewer")
            end_membership(lock_organization(imported.id), helper.id)
        outcome = jobs.work_off(app.extensions["outbox_handlers"], ())
        assert not outcome["failed"], outcome
        db.session.remove()
        app.config["SETTINGS"] = before
    return box.messages


def tell_of_money(gift: Donation, owner: Person) -> None:
    """Promise every mail about money that went back, was taken, or did not arrive."""
    of_gift = {"donation_id": gift.id, "organization_id": gift.organization_id}
    refunds = [
        Refund(
            **of_gift, amount_minor=1000, currency="USD", status=status, reason="duplicate", created_at=now(),
            stripe_refund_id=f"re_{status}_{gift.id}",
        )
        for status in ("succeeded", "failed")
    ]  # fmt: skip
    dispute = Dispute(
        **of_gift, stripe_dispute_id=f"du_{gift.id}", amount_minor=1000, currency="USD", status="needs_response",
        reason="fraudulent", respond_by=now() + dt.timedelta(days=7), created_at=now(), checked_at=now(),
    )  # fmt: skip
    warning = FraudWarning(
        **of_gift, stripe_warning_id=f"issfr_{gift.id}", kind="misc", actionable=True, created_at=now()
    )
    payout = Payout(
        organization_id=gift.organization_id, stripe_payout_id=f"po_{gift.id}", amount_minor=2397, currency="USD",
        status="failed", arrives_on=today("UTC"), automatic=True, created_at=now(), checked_at=now(),
    )  # fmt: skip
    db.session.add_all([*refunds, dispute, warning, payout])
    db.session.flush()
    for refund in refunds:
        enqueue("mail_donation_refunded", {"refund_id": refund.id}, key=f"refunded:{refund.id}")
    about = {"dispute_id": dispute.id, "status": dispute.status}
    for number, news in enumerate((
        {"what": "dispute", **about},
        {"what": "dispute", "reminds": True, **about},
        {"what": "fraud_warning", "warning_id": warning.id},
        {"what": "refund_failed", "refund_id": refunds[1].id},
        {"what": "payout_failed", "payout_id": payout.id},
    )):  # fmt: skip
        enqueue("mail_money_news", {**news, "person_id": owner.id}, key=f"money_news:{number}")


def moved(shift: Shift, *, hours: float = 0, minimum_age: int | None = None, capacity: int | None = None) -> ShiftInput:
    """The values of `shift`, later, for older people, or with another capacity."""
    assert shift.starts_at is not None
    assert shift.ends_at is not None
    later, position = dt.timedelta(hours=hours), shift.positions[0]
    return ShiftInput(
        positions=(
            PositionInput(
                name=position.name, capacity=position.capacity if capacity is None else capacity, id=position.id
            ),
        ),
        starts_at=shift.starts_at + later, ends_at=shift.ends_at + later, contact=shift.contact, minimum_age=minimum_age,
        time_zone=shift.time_zone,
    )  # fmt: skip
