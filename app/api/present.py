"""From rows to the bodies of answers. Private addresses are not here: they come with the caller's right to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from app.accounts.models import Person
from app.api.frame import iso, number
from app.core import web
from app.core.clock import now
from app.core.errors import Reason
from app.core.ids import encode_id
from app.donations.models import Donation
from app.donations.money_models import Refund
from app.donations.policy import can_resume, is_known_to_staff
from app.donations.queries import PublicDonation, donation_token
from app.donations.receipt_models import Receipt
from app.imports import present as imports
from app.imports.models import ImportBatch, ImportRow
from app.needs import asking
from app.needs.models import Item, Need, Shift
from app.needs.standing import status_of
from app.organizations.models import Claim, Invitation, Location, Membership, Organization
from app.pledges.models import Delivery, Pledge
from app.safeguarding.models import Clearance
from app.safeguarding.requirements import Requirement, parse
from app.safeguarding.standing import OrganizationFacts
from app.signups.gate import HOLDING_STATUSES
from app.signups.models import Signup
from app.signups.rules import Rule
from app.signups.two_adults import list_not_running
from app.signups.waitlist import count_waiting

Body = dict[str, Any]


def money(amount_minor: int, currency: str) -> Body:
    """Minor units and currency."""
    return {"amount_minor": amount_minor, "currency": currency}


def url(path: str) -> str:
    """A page of ours as whoever is elsewhere opens it."""
    return web.settings().base_url + path


def organization_ref(organization: Organization) -> Body:
    """An organization as others name it."""
    return {"slug": organization.slug, "name": organization.name, "verified": organization.verified_at is not None}


def organization(row: Organization, *, staff: bool = False) -> Body:
    """The public profile; what was set is told to the staff."""
    return {
        **organization_ref(row),
        "description": row.description,
        "website": row.website,
        "causes": row.causes,
        "country": row.country,
        "city": row.city,
        "region": row.region,
        "time_zone": row.time_zone,
        "verified_at": iso(row.verified_at),
        "url": url(f"/organizations/{row.slug}"),
        "logo_url": url(f"/organizations/{row.slug}/logo/{row.logo.digest}") if row.logo is not None else None,
        "auto_approve_fundraisers": row.auto_approve_fundraisers if staff else None,
        "first_come_hours": row.first_come_hours,
        "overflow_rule": row.overflow_rule,
    }


def member(row: Membership, assigned: Mapping[int, Sequence[int]]) -> Body:
    """A member, for staff; `assigned` are the ids of the needs assigned to each person of the organization."""
    needs = "all" if row.all_needs else assigned.get(row.person_id, [])
    return {"person": row.person_id, "name": row.person.name, "role": row.role, "needs": needs}


def invitation(row: Invitation) -> Body:
    """An invitation, for those who manage people; never its link."""
    return {
        "id": row.id,
        "email": row.email,
        "role": row.role,
        "needs": "all" if row.all_needs else "assigned",
        "status": row.status,
        "expires_at": iso(row.expires_at),
    }


def claim(row: Claim) -> Body:
    """What somebody asked, for them; never its link."""
    return {
        "id": row.id,
        "organization": row.organization.slug,
        "status": row.status,
        "mailbox": row.mailbox,
        "evidence": row.evidence,
        "created_at": iso(row.created_at),
    }


def location(row: Location) -> Body:
    """A location, for staff; its street is on the staff's pages only."""
    return {
        "id": row.id,
        "name": row.name,
        "city": row.city,
        "region": row.region,
        "country": row.country,
        "time_zone": row.time_zone,
        "private": row.private,
    }


@dataclasses.dataclass(frozen=True)
class KnownOfShifts:
    """What several shifts' bodies need besides their rows: what their organizations ask, and how many wait, by ids; and
    which cannot run for want of cleared adults at this moment, whether or not that is written (G2)."""

    asked: Mapping[int, OrganizationFacts]
    waiting: Mapping[int, int]
    idle: Set[int]


def know(shifts: Sequence[Shift]) -> KnownOfShifts:
    """What is to be known of these shifts: as many statements for many as for one."""
    asked, waiting = asking.load_asked(shifts), count_waiting([row.id for row in shifts])
    return KnownOfShifts(asked, waiting, list_not_running(shifts))


def _requirements(asked: Iterable[Requirement]) -> list[Body]:
    return [{"kind": each.kind, "level": each.level} for each in asked]


def shift(row: Shift, known: KnownOfShifts) -> Body:
    """A shift with the sums of its positions; capacity null when one position is open. Its requirements are all that it may
    ask of anybody, a position's are what that task asks beside."""
    open_ended = any(position.capacity is None for position in row.positions)
    capacity = None if open_ended else sum(position.capacity or 0 for position in row.positions)
    taken = sum(position.taken for position in row.positions)
    return {
        "id": row.id,
        "starts_at": iso(row.starts_at),
        "ends_at": iso(row.ends_at),
        "time_zone": row.time_zone,
        "flexible": row.flexible,
        "due_on": row.due_on.isoformat() if row.due_on else None,
        "status": "cannot_run" if row.status == "scheduled" and row.id in known.idle else row.status,
        "capacity": capacity,
        "taken": taken,
        "free": None if capacity is None else capacity - taken,
        "waitlist_length": known.waiting.get(row.id, 0),
        "contact": row.contact,
        "minimum_age": row.minimum_age,
        "requirements": _requirements(
            asking.list_requirements(row, known.asked.get(row.need.organization_id, OrganizationFacts()))
        ),
        "positions": [
            {
                "id": place.id,
                "name": place.name,
                "capacity": place.capacity,
                "taken": place.taken,
                "requirements": _requirements(parse(place.requirements)),
            }
            for place in row.positions
        ],
    }


def item(row: Item) -> Body:
    """An item, its amounts as decimal strings (P1)."""
    return {
        "id": row.id,
        "name": row.name,
        "unit": row.unit,
        "quantity": number(row.quantity),
        "received": number(row.received),
        "reserved": number(row.reserved),
        "in_transit": number(row.in_transit),
        "still_wanted": number(row.still_wanted),
        "surplus": number(row.surplus),
        "priority": row.priority,
        "do_not_bring": row.do_not_bring,
        "purchase_url": row.purchase_url,
    }


def need(row: Need, address: str | None, known: KnownOfShifts) -> Body:
    """A need; `address` is what this caller may know (the public street, a private one within its window, or None);
    `known` of its shifts."""
    # As lists and filters count: what is still ahead, or runs.
    ahead = [
        shift for shift in row.shifts if shift.status == "scheduled" and (not shift.ends_at or shift.ends_at > now())
    ]
    starts = [shift.starts_at for shift in ahead if shift.starts_at is not None]
    return {
        "id": row.id,
        "title": row.title,
        "description": row.description,
        "organization": organization_ref(row.organization),
        "status": status_of(row),
        "urgency": row.urgency,
        "causes": row.causes,
        "skills": row.skills,
        "remote": row.remote,
        "place": {
            "city": row.city,
            "region": row.region,
            "country": row.country,
            "latitude": row.latitude,
            "longitude": row.longitude,
            "precision": row.precision,
        },
        "address": address,
        "bring": row.bring,
        "suits": row.suits,
        "parking": row.parking,
        "step_free": row.step_free,
        "requirements": _requirements(parse(row.requirements)),
        "wants": {"time": bool(ahead), "items": any(not item.do_not_bring for item in row.items)},
        "shifts": [shift(each, known) for each in row.shifts],
        "items": [item(each) for each in row.items],
        "starts_at": iso(min(starts, default=None)),
        "confirm_by": row.confirm_by.isoformat() if row.confirm_by else None,
        "url": url(f"/needs/{encode_id(row.id)}"),
    }


def reasons(found: Sequence[Reason]) -> list[Body]:
    """What stands in the way, as refusals say it."""
    return [{"code": reason.code, "message": reason.message, "remedy": reason.remedy} for reason in found]


def rule(row: Rule) -> Body:
    """What a shift asks, and whether the caller meets it; `url` is the page of the next step, None without one."""
    return {
        "code": row.code, "title": row.title, "met": row.met, "message": row.message, "remedy": row.remedy,
        "url": url(row.url) if row.url else None,
    }  # fmt: skip


def signup(row: Signup, *, name: str | None, why_not: Sequence[Reason] = ()) -> Body:
    """A place; `name` only for those who may see who it is. `why_not`: why it does not stand now (G1); then it is cancelled
    already, whether or not promised work has come to it."""
    return {
        "id": row.id,
        "shift": row.shift_id,
        "position": row.position_id,
        "status": "cancelled" if why_not and row.status in HOLDING_STATUSES else row.status,
        "reasons": reasons(why_not),
        "offer_expires_at": iso(row.offer_expires_at) if row.status == "offered" else None,
        "party_size": row.party_size,
        "note": row.note,
        "created_at": iso(row.created_at),
        "checked_in_at": iso(row.checked_in_at),
        "hours": None if row.minutes is None else f"{row.minutes / 60:.2f}".rstrip("0").rstrip("."),
        "hours_approved": row.hours_approved_by_id is not None,
        "name": name,
    }


def clearance(row: Clearance) -> Body:
    """A clearance, for the person and the staff who may see it."""
    return {
        "id": row.id,
        "email": row.person.email,
        "name": row.person.name,
        "organization": None if row.organization is None else row.organization.slug,
        "kind": row.kind,
        "level": row.level,
        "issuer": row.issuer,
        "reference": row.reference,
        "outcome": row.outcome,
        "issued_on": row.issued_on.isoformat(),
        "expires_on": row.expires_on.isoformat() if row.expires_on else None,
        "consented_on": row.consented_on.isoformat() if row.consented_on else None,
        "recorded_at": iso(row.created_at),
        "revoked_at": iso(row.revoked_at),
        "revoked_reason": row.why_revoked,
        "objection": row.objection,
        "outdated": row.is_outdated,
    }


def pledge(row: Pledge, *, name: str | None) -> Body:
    """A promise; `name` only for those who may see who it is."""
    return {
        "id": row.id,
        "item": row.item_id,
        "status": row.status,
        "quantity": number(row.quantity),
        "received": number(row.received),
        "rejected": number(row.rejected),
        "deliver_by": row.deliver_by.isoformat() if row.deliver_by else None,
        "way": row.way,
        "note": row.note,
        "created_at": iso(row.created_at),
        "name": name,
    }


def arrival(row: Pledge) -> Body:
    """A promise that is expected, for the staff."""
    return {
        **pledge(row, name=row.person.name),
        "need": row.item.need_id,
        "item_name": row.item.name,
        "unit": row.item.unit,
        "outstanding": number(row.quantity - row.received - row.rejected),
    }


def delivery(row: Delivery) -> Body:
    """What came at one time, for the staff."""
    return {
        "id": row.id,
        "item": row.item_id,
        "item_name": row.item.name,
        "unit": row.item.unit,
        "pledge": row.pledge_id,
        "name": None if row.pledge is None else row.pledge.person.name,
        "received": number(row.received),
        "rejected": number(row.rejected),
        "note": row.note,
        "created_at": iso(row.created_at),
        "undone_at": iso(row.undone_at),
    }


def donation_public(row: PublicDonation) -> Body:
    """A gift as the public sees it (F9)."""
    return {
        "message_id": row.id if row.message or row.dedicated_to or row.name else None,
        "amount": money(row.amount.amount_minor, row.amount.currency),
        "name": row.name,
        "message": row.message,
        "dedication": row.dedication,
        "dedicated_to": row.dedicated_to,
        "paid_at": iso(row.paid_at),
    }


def checkout(row: Donation, checkout_url: str) -> Body:
    """Where a gift that was begun is paid, and told of."""
    address = url(f"/donations/{donation_token(row.id)}")
    return {"donation_id": row.id, "monthly_gift": row.monthly_gift_id, "checkout_url": checkout_url, "url": address}


def receipt(row: Receipt, first: Receipt | None) -> Body:
    """A document about a gift, whose receipt is `first`."""
    return {
        "id": row.id,
        "number": row.label,
        "kind": row.kind,
        "corrects": None if row.corrects_id is None or first is None else first.label,
        "amount": money(row.amount_minor, row.currency),
        "stands": money(row.stands_minor, row.currency),
        "issued_at": iso(row.issued_at),
    }


def donation(row: Donation, receipts: Sequence[Receipt] = (), *, to_donor: bool = True) -> Body:
    """A gift as its donor and the organization's staff see it, with its `receipts` in their order; only its donor gets the
    way to pay it and their own page."""
    may_resume = can_resume(row, row.mode)
    named = to_donor or is_known_to_staff(row)
    payable = to_donor and may_resume and row.status == "pending"
    return {
        "id": row.id,
        "fundraiser": row.fundraiser.slug,
        "monthly_gift": row.monthly_gift_id,
        "amount": money(row.amount_minor, row.currency),
        "status": row.state,
        "reason": row.problem or None,
        "refunded": money(row.refunded_minor, row.currency),
        "disputed": money(row.disputed_minor, row.currency),
        "may_resume": to_donor and may_resume,
        "checkout_url": row.checkout_url if payable else None,
        "url": url(f"/donations/{donation_token(row.id)}") if to_donor else None,
        "cover_fee": money(row.cover_fee_minor, row.currency),
        "anonymous": row.anonymous,
        "hide_from_starter": row.hide_from_starter,
        "hide_from_organization": row.hide_from_organization,
        "name": row.name if named else None,
        "company": row.company if named else None,
        "email": row.email if named else None,
        "message": row.message,
        "dedication": row.dedication,
        "dedicated_to": row.dedicated_to,
        "receipts": [receipt(each, receipts[0]) for each in receipts],
        "payment": None if to_donor else row.stripe_payment_intent_id,
        "differs": None if to_donor else row.note or None,
        "created_at": iso(row.created_at),
        "paid_at": iso(row.paid_at),
    }


def refund(row: Refund) -> Body:
    """A refund as the organization's staff see it."""
    return {
        "id": row.id,
        "amount": money(row.amount_minor, row.currency),
        "status": row.status,
        "reason": row.reason,
        "problem": row.problem or None,
        "note": row.note,
        "created_at": iso(row.created_at),
    }


def me(person: Person) -> Body:
    """The person themselves."""
    return {
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "birth_date": person.birth_date.isoformat() if person.birth_date else None,
        "place": person.place,
        "time_zone": person.time_zone,
        "availability": person.availability,
        "skills": [each.skill for each in person.skills],
    }


def import_row(batch: ImportBatch, row: ImportRow) -> Body:
    """One row of a file, with what became of it or would."""
    wrongs = imports.wrongs(batch, row) if row.outcome == "rejected" and batch.purged_at is None else []
    return {
        "line": row.line,
        "outcome": row.outcome,
        "title": imports.title_of(batch, row),
        "column": row.column,
        "value": next((one.said for one in wrongs if one.ours == row.column), ""),
        "reason": row.reason,
        "faults": [{"column": one.ours, "value": one.said, "reason": one.message} for one in wrongs],
        "need": row.need_id,
        "need_status": row.became,
        "note": row.note,
    }


def import_batch(
    row: ImportBatch, *, counts: Mapping[str, int], undone: Mapping[str, int], rejects: Iterable[ImportRow]
) -> Body:
    """A file and where it stands."""
    return {
        "id": row.id,
        "organization": row.organization.slug,
        "name": row.name,
        "status": row.status,
        "rows": row.rows,
        "columns": row.columns,
        "publish": row.publish,
        "counts": {name: counts.get(name, 0) for name in ("created", "updated", "unchanged", "rejected")},
        "undone": {name: undone.get(name, 0) for name in ("removed", "closed", "restored", "kept")},
        "rejects": [import_row(row, reject) for reject in rejects],
        "made_at": iso(row.made_at),
        "finished_at": iso(row.finished_at),
        "undone_at": iso(row.undone_at),
    }
