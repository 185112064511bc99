"""The shapes of the API's resources, as docs/api.md and the OpenAPI document show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import marshmallow as ma

from app.api.frame import Block, Id, Line, ListQuery, MoneySchema, ReasonSchema, Schema, list_schema
from app.api.requirements import asked_in, asked_out
from app.core.ids import decode_id, encode_id
from app.donations.models import DEDICATIONS, DONATION_STATES
from app.donations.receipt_models import RECEIPT_KINDS
from app.needs.models import CONTACTS, NEED_STATUSES, PRIORITIES, SHIFT_STATUSES, URGENCIES
from app.needs.promises import STAFF_REASONS
from app.organizations.models import FIRST_COME_CHOICES, INVITATION_STATUSES, ROLES
from app.pledges.models import PLEDGE_STATUSES, WAYS
from app.signups.models import MAXIMUM_PARTY_SIZE, SIGNUP_STATUSES


def one_of(choices: Iterable[str]) -> ma.validate.OneOf:
    """One of these; "", where it is among them, is as good as nothing and not named to whoever sent something else."""
    kept = tuple(choices)
    named = ", ".join(choice for choice in kept if choice)
    return ma.validate.OneOf(kept, error=f"Must be one of: {named}.")


# Of one request for several places: as many as the page offers.
MOST_SHIFTS = 60
DATE = {"format": "date"}
MOMENT = {"format": "date-time", "description": "RFC 3339, UTC"}
DECIMAL = {"example": "2.5", "description": "decimal string"}


def moment(**kwargs: object) -> ma.fields.String:
    """An instant in an answer."""
    return ma.fields.String(metadata=MOMENT, **kwargs)  # type: ignore[arg-type]  # passed through to marshmallow


def text(maximum: int, minimum: int = 0, **kwargs: object) -> Line:
    """A line of a request, bounded."""
    return Line(validate=ma.validate.Length(minimum, maximum), **kwargs)  # type: ignore[arg-type]  # passed through to marshmallow


def paragraphs(maximum: int, minimum: int = 0, **kwargs: object) -> Block:
    """Several lines of a request, bounded."""
    return Block(validate=ma.validate.Length(minimum, maximum), **kwargs)  # type: ignore[arg-type]  # passed through to marshmallow


class CancelIn(Schema):
    """Nothing, or why staff give it back for somebody, who is told."""

    reason = ma.fields.String(validate=one_of(tuple(STAFF_REASONS)), load_default="")


class CloseIn(Schema):
    """What came of a need, for those who helped; nothing of it has to be said. Each of them is thanked by email."""

    outcome = paragraphs(2000, load_default="")
    people_helped = ma.fields.Integer(
        allow_none=True, load_default=None, strict=True, validate=ma.validate.Range(0, 1_000_000)
    )
    thanks = paragraphs(500, load_default="")


class OrganizationRef(Schema):
    """An organization as others name it."""

    slug = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    verified = ma.fields.Boolean(required=True)


class PlaceOut(Schema):
    """Where, as far as the public may know it."""

    city = ma.fields.String(required=True, allow_none=True)
    region = ma.fields.String(required=True, allow_none=True)
    country = ma.fields.String(required=True, allow_none=True)
    latitude = ma.fields.Float(required=True, allow_none=True)
    longitude = ma.fields.Float(required=True, allow_none=True)
    precision = ma.fields.String(required=True, allow_none=True)


class PlaceIn(Schema):
    """Where, as people write it; looked up offline when coordinates are missing."""

    address = text(200, load_default=None, allow_none=True)
    city = text(120, load_default=None, allow_none=True)
    region = text(120, load_default=None, allow_none=True)
    postal_code = text(16, load_default=None, allow_none=True)
    country = text(2, 2, load_default=None, allow_none=True)
    latitude = ma.fields.Float(validate=ma.validate.Range(-90, 90), load_default=None, allow_none=True)
    longitude = ma.fields.Float(validate=ma.validate.Range(-180, 180), load_default=None, allow_none=True)
    precision = text(16, load_default=None, allow_none=True)


class WantsOut(Schema):
    """What a need asks for."""

    time = ma.fields.Boolean(required=True)
    items = ma.fields.Boolean(required=True)


class PositionOut(Schema):
    """Places on a shift."""

    id = Id(required=True)
    name = ma.fields.String(required=True)
    capacity = ma.fields.Integer(required=True, allow_none=True)
    taken = ma.fields.Integer(required=True)
    requirements = asked_out()


class ShiftOut(Schema):
    """A time at a place, or a flexible role. Capacity and taken are the sums of its positions."""

    id = Id(required=True)
    starts_at = moment(required=True, allow_none=True)
    ends_at = moment(required=True, allow_none=True)
    time_zone = ma.fields.String(required=True)
    flexible = ma.fields.Boolean(required=True)
    due_on = ma.fields.String(required=True, allow_none=True, metadata=DATE)
    status = ma.fields.String(required=True, validate=one_of(SHIFT_STATUSES))
    capacity = ma.fields.Integer(required=True, allow_none=True)
    taken = ma.fields.Integer(required=True)
    free = ma.fields.Integer(required=True, allow_none=True)
    waitlist_length = ma.fields.Integer(required=True)
    contact = ma.fields.String(required=True, validate=one_of(CONTACTS))
    minimum_age = ma.fields.Integer(required=True, allow_none=True)
    requirements = asked_out()
    positions = ma.fields.List(ma.fields.Nested(PositionOut), required=True)


class PositionIn(Schema):
    """A position to be made."""

    name = text(80, load_default="")
    capacity = ma.fields.Integer(validate=ma.validate.Range(0, 100_000), load_default=None, allow_none=True)
    requirements = asked_in(load_default=None, allow_none=True)


class ShiftIn(Schema):
    """A shift to be made: capacity and times, or flexible."""

    starts_at = ma.fields.AwareDateTime(format="iso", load_default=None, allow_none=True)
    ends_at = ma.fields.AwareDateTime(format="iso", load_default=None, allow_none=True)
    time_zone = text(64, load_default=None, allow_none=True)
    flexible = ma.fields.Boolean(load_default=False)
    due_on = ma.fields.Date(load_default=None, allow_none=True)
    capacity = ma.fields.Integer(validate=ma.validate.Range(0, 100_000), load_default=None, allow_none=True)
    contact = ma.fields.String(validate=one_of(CONTACTS), load_default="not_stated")
    minimum_age = ma.fields.Integer(validate=ma.validate.Range(0, 120), load_default=None, allow_none=True)
    positions = ma.fields.List(ma.fields.Nested(PositionIn), load_default=None, validate=ma.validate.Length(1, 20))
    requirements = asked_in(load_default=None, allow_none=True)


class ShiftPatch(ShiftIn):
    """What changes of a shift; load it with partial=True. `below_taken` says what becomes of places when a capacity is to be
    less than is taken: `keep` them all and refuse, or `move_latest` to the waitlist."""

    below_taken = ma.fields.String(validate=one_of(("keep", "move_latest")))


class ItemOut(Schema):
    """A thing wanted. Quantity null: as much as people can bring."""

    id = Id(required=True)
    name = ma.fields.String(required=True)
    unit = ma.fields.String(required=True)
    quantity = ma.fields.String(required=True, allow_none=True, metadata=DECIMAL)
    received = ma.fields.String(required=True, metadata=DECIMAL)
    reserved = ma.fields.String(required=True, metadata=DECIMAL)
    in_transit = ma.fields.String(required=True, metadata=DECIMAL)
    still_wanted = ma.fields.String(required=True, allow_none=True, metadata=DECIMAL)
    surplus = ma.fields.String(required=True, metadata=DECIMAL)
    priority = ma.fields.String(required=True, validate=one_of(PRIORITIES))
    do_not_bring = ma.fields.Boolean(required=True)
    purchase_url = ma.fields.String(required=True, allow_none=True)


class ItemIn(Schema):
    """A thing to be asked for."""

    name = text(160, 1, required=True)
    unit = text(40, required=True)
    quantity = ma.fields.String(load_default=None, allow_none=True, metadata=DECIMAL)
    category = text(40, load_default="")
    priority = ma.fields.String(validate=one_of(PRIORITIES), load_default="normal")
    accepted_condition = text(120, load_default="")
    do_not_bring = ma.fields.Boolean(load_default=False)
    purchase_url = text(500, load_default=None, allow_none=True)


class ItemPatch(ItemIn):
    """What changes of an item; load it with partial=True."""


class NeedOut(Schema):
    """One page that says what is wanted, why, where and until when."""

    id = Id(required=True)
    title = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    organization = ma.fields.Nested(OrganizationRef, required=True)
    status = ma.fields.String(required=True, validate=one_of(NEED_STATUSES))
    urgency = ma.fields.String(required=True, validate=one_of(URGENCIES))
    causes = ma.fields.List(ma.fields.String(), required=True)
    skills = ma.fields.List(ma.fields.String(), required=True)
    remote = ma.fields.Boolean(required=True)
    place = ma.fields.Nested(PlaceOut, required=True)
    address = ma.fields.String(required=True, allow_none=True)
    bring = ma.fields.String(required=True)
    suits = ma.fields.String(required=True)
    parking = ma.fields.String(required=True)
    step_free = ma.fields.Boolean(required=True, allow_none=True)
    requirements = asked_out()
    wants = ma.fields.Nested(WantsOut, required=True)
    shifts = ma.fields.List(ma.fields.Nested(ShiftOut), required=True)
    items = ma.fields.List(ma.fields.Nested(ItemOut), required=True)
    starts_at = moment(required=True, allow_none=True)
    confirm_by = ma.fields.String(required=True, allow_none=True, metadata=DATE)
    url = ma.fields.String(required=True)


class NeedIn(Schema):
    """A need to be made, as a draft. Place, or remote."""

    organization = text(80, 1, required=True)
    title = text(160, 1, required=True)
    description = paragraphs(20_000, required=True)
    urgency = ma.fields.String(validate=one_of(URGENCIES), load_default="normal")
    causes = ma.fields.List(text(40), load_default=list, validate=ma.validate.Length(max=20))
    skills = ma.fields.List(text(40), load_default=list, validate=ma.validate.Length(max=30))
    remote = ma.fields.Boolean(load_default=False)
    place = ma.fields.Nested(PlaceIn, load_default=None, allow_none=True)
    private_address = ma.fields.Boolean(load_default=False)
    time_zone = text(64, load_default=None, allow_none=True)
    ends_on = ma.fields.Date(load_default=None, allow_none=True)
    bring = paragraphs(500, load_default="")
    suits = text(300, load_default="")
    parking = text(300, load_default="")
    step_free = ma.fields.Boolean(load_default=None, allow_none=True)
    requirements = asked_in(load_default=list)
    meeting_point = text(300, load_default="")
    day_contact = text(200, load_default="")


class NeedPatch(Schema):
    """What changes of a need."""

    title = text(160, 1)
    description = paragraphs(20_000)
    urgency = ma.fields.String(validate=one_of(URGENCIES))
    causes = ma.fields.List(text(40), validate=ma.validate.Length(max=20))
    skills = ma.fields.List(text(40), validate=ma.validate.Length(max=30))
    remote = ma.fields.Boolean()
    place = ma.fields.Nested(PlaceIn)
    private_address = ma.fields.Boolean()
    ends_on = ma.fields.Date(allow_none=True)
    bring = paragraphs(500)
    suits = text(300)
    parking = text(300)
    step_free = ma.fields.Boolean(allow_none=True)
    requirements = asked_in()
    meeting_point = text(300)
    day_contact = text(200)


class NeedQuery(ListQuery):
    """The filters of /needs, as text: bad values are told at the field."""

    q = text(300)
    near = text(120)
    radius_km = text(12)
    skills = text(600)
    causes = text(300)
    wants = ma.fields.String(validate=one_of(("time", "items")))
    from_ = ma.fields.String(data_key="from", metadata=DATE)
    to = ma.fields.String(metadata=DATE)
    urgency = text(60)
    remote = ma.fields.String(validate=one_of(("yes", "no")))
    sort = ma.fields.String(validate=one_of(("best", "soonest", "nearest", "newest", "urgent")))


class SignupIn(Schema):
    """A place to be taken."""

    party_size = ma.fields.Integer(validate=ma.validate.Range(1, MAXIMUM_PARTY_SIZE), load_default=1)
    position = Id(load_default=None, allow_none=True)
    note = paragraphs(500, load_default="")
    waitlist = ma.fields.Boolean(load_default=False)


class SignupPatch(Schema):
    """What is to change of one's place: more or fewer people, another position, another shift of the same need."""

    party_size = ma.fields.Integer(validate=ma.validate.Range(1, MAXIMUM_PARTY_SIZE))
    position = Id(allow_none=True, metadata={"description": "null: any that has room"})
    shift = Id()
    note = paragraphs(500)


class SeveralIn(Schema):
    """A place on each of several shifts of a need, all or none."""

    shifts = ma.fields.List(Id(), required=True, validate=ma.validate.Length(1, MOST_SHIFTS))
    party_size = ma.fields.Integer(validate=ma.validate.Range(1, MAXIMUM_PARTY_SIZE), load_default=1)
    note = paragraphs(500, load_default="")


class VolunteerIn(Schema):
    """Somebody who telephones or walks in, written down by the staff."""

    name = text(120, 1, required=True)
    birth_date = ma.fields.Date(required=True)
    email = text(254, load_default="")
    phone = text(40, load_default="")
    party_size = ma.fields.Integer(validate=ma.validate.Range(1, MAXIMUM_PARTY_SIZE), load_default=1)
    position = Id(load_default=None, allow_none=True)
    note = paragraphs(500, load_default="")


class HoursIn(Schema):
    """How long somebody helped."""

    hours = text(10, 1, required=True)


class SignupOut(Schema):
    """One supporter's place on one shift. The person is named to the staff only. A place that does not stand now, because
    somebody does not meet what is asked any more, is `cancelled` already, with the `reasons`."""

    id = Id(required=True)
    shift = Id(required=True)
    position = Id(required=True)
    status = ma.fields.String(required=True, validate=one_of(SIGNUP_STATUSES))
    reasons = ma.fields.List(ma.fields.Nested(ReasonSchema), required=True)
    # Of an offered place: up to when it is kept; then the next in line is asked.
    offer_expires_at = moment(required=True, allow_none=True)
    party_size = ma.fields.Integer(required=True)
    note = ma.fields.String(required=True)
    created_at = moment(required=True)
    checked_in_at = moment(required=True, allow_none=True)
    hours = ma.fields.String(required=True, allow_none=True, metadata=DECIMAL)
    hours_approved = ma.fields.Boolean(required=True)
    name = ma.fields.String(required=True, allow_none=True)


class PledgeIn(Schema):
    """A promise to be made. A second one for the same item says whether it adds to or replaces the first."""

    quantity = ma.fields.String(required=True, metadata=DECIMAL)
    mode = ma.fields.String(validate=one_of(("add", "replace")), load_default=None, allow_none=True)
    note = paragraphs(500, load_default="")
    deliver_by = ma.fields.Date(load_default=None, allow_none=True)
    way = ma.fields.String(validate=one_of(WAYS), load_default=None, allow_none=True)


class PledgeEdit(Schema):
    """What is to change of one's promise."""

    quantity = ma.fields.String(metadata=DECIMAL)
    deliver_by = ma.fields.Date()
    way = ma.fields.String(validate=one_of(WAYS))
    in_transit = ma.fields.Boolean()
    note = paragraphs(500)


class ReceiveIn(Schema):
    """What came of a pledge, and what was refused."""

    received = ma.fields.String(load_default="0", metadata=DECIMAL)
    rejected = ma.fields.String(load_default="0", metadata=DECIMAL)
    reason = text(300, load_default="")
    more = ma.fields.Boolean(load_default=False)


class PledgeOut(Schema):
    """One supporter's promise of a quantity of one item. The person is named to the staff only."""

    id = Id(required=True)
    item = Id(required=True)
    status = ma.fields.String(required=True, validate=one_of(PLEDGE_STATUSES))
    quantity = ma.fields.String(required=True, metadata=DECIMAL)
    received = ma.fields.String(required=True, metadata=DECIMAL)
    rejected = ma.fields.String(required=True, metadata=DECIMAL)
    deliver_by = ma.fields.String(required=True, allow_none=True, metadata=DATE)
    way = ma.fields.String(required=True, validate=one_of(WAYS))
    note = ma.fields.String(required=True)
    created_at = moment(required=True)
    name = ma.fields.String(required=True, allow_none=True)


class OrganizationOut(Schema):
    """An organization's public profile."""

    slug = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    website = ma.fields.String(required=True, allow_none=True)
    causes = ma.fields.List(ma.fields.String(), required=True)
    country = ma.fields.String(required=True)
    city = ma.fields.String(required=True, allow_none=True)
    region = ma.fields.String(required=True, allow_none=True)
    time_zone = ma.fields.String(required=True)
    verified = ma.fields.Boolean(required=True)
    verified_at = moment(required=True, allow_none=True)
    url = ma.fields.String(required=True)
    logo_url = ma.fields.String(required=True, allow_none=True)
    auto_approve_fundraisers = ma.fields.Boolean(
        required=True, allow_none=True, metadata={"description": "null to whoever is not its staff"}
    )
    first_come_hours = ma.fields.Integer(
        required=True,
        metadata={
            "description": "so long before a start its free places go to the first who takes them, not to who waits"
        },
    )
    overflow_rule = ma.fields.String(
        required=True,
        metadata={"description": 'what becomes of money beyond a goal; "": it goes to its work as a whole'},
    )


class OrganizationPatch(Schema):
    """What staff may change of an organization."""

    name = text(160, 1)
    description = paragraphs(20_000)
    website = text(300, allow_none=True)
    place = text(
        120, allow_none=True, metadata={"description": "its town, or the state or province alone; null: not said"}
    )
    auto_approve_fundraisers = ma.fields.Boolean()
    first_come_hours = ma.fields.Integer(validate=ma.validate.OneOf(FIRST_COME_CHOICES))
    overflow_rule = text(300)
    causes = ma.fields.List(text(40), validate=ma.validate.Length(max=20))


class Needs(ma.fields.Field[Any]):
    """The needs somebody works on: "all", also later ones, or a list of ids."""

    default_error_messages = {"invalid": 'Must be "all" or a list of ids of needs.'}  # marshmallow's way

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value if value == "all" else [encode_id(key) for key in value]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if value == "all":
            return value
        keys = (
            [decode_id(each) if isinstance(each, str) else None for each in value]
            if isinstance(value, list)
            else [None]
        )
        if None in keys or len(keys) > MOST_ASSIGNED:
            raise self.make_error("invalid")
        return keys


# Of one coordinator in one request.
MOST_ASSIGNED = 500
NEEDS = {
    "oneOf": [
        {"type": "string", "enum": ["all"]},
        {"type": "array", "items": {"type": "string"}, "maxItems": MOST_ASSIGNED},
    ],
    "description": "All needs, also later ones, or the ids of those that are assigned (coordinators only)",
}


class MemberOut(Schema):
    """A member, their role, and the needs they work on; for staff."""

    person = Id(required=True)
    name = ma.fields.String(required=True)
    role = ma.fields.String(required=True, validate=one_of(ROLES))
    needs = Needs(required=True, metadata=NEEDS)


class MemberPatch(Schema):
    """Another role for a member, or other needs for a coordinator; without `needs` a role that stays keeps them, and another
    is for all."""

    role = ma.fields.String(required=True, validate=one_of(ROLES))
    needs = Needs(metadata=NEEDS)


class InvitationIn(Schema):
    """Who is invited, and to which role; a coordinator with `needs` "assigned" works on assigned needs alone."""

    email = text(254, 3, required=True)
    role = ma.fields.String(required=True, validate=one_of(ROLES))
    needs = ma.fields.String(load_default="all", validate=one_of(("all", "assigned")))


class InvitationOut(Schema):
    """An invitation; for those who manage people."""

    id = Id(required=True)
    email = ma.fields.String(required=True)
    role = ma.fields.String(required=True, validate=one_of(ROLES))
    needs = ma.fields.String(required=True, validate=one_of(("all", "assigned")))
    status = ma.fields.String(required=True, validate=one_of(INVITATION_STATUSES))
    expires_at = moment(required=True)


class LocationOut(Schema):
    """A place the organization works from; for staff."""

    id = Id(required=True)
    name = ma.fields.String(required=True)
    city = ma.fields.String(required=True)
    region = ma.fields.String(required=True, allow_none=True)
    country = ma.fields.String(required=True)
    time_zone = ma.fields.String(required=True)
    private = ma.fields.Boolean(required=True)


class DonationPublicOut(Schema):
    """A gift as the public sees it; name null when the donor chose so. `message_id` is for reporting what the donor wrote,
    or the name, null when nothing of it is shown."""

    message_id = Id(required=True, allow_none=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    name = ma.fields.String(required=True, allow_none=True)
    message = ma.fields.String(required=True)
    dedication = ma.fields.String(required=True, validate=one_of(DEDICATIONS))
    dedicated_to = ma.fields.String(required=True)
    paid_at = moment(required=True, allow_none=True)


class ReceiptOut(Schema):
    """A document that was issued for a gift: the receipt, or a correction of it, `amount` by which it changed (below zero: went
    back). What counts is `stands` of the latest."""

    id = Id(required=True)
    number = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, validate=one_of(RECEIPT_KINDS))
    corrects = ma.fields.String(required=True, allow_none=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    stands = ma.fields.Nested(MoneySchema, required=True)
    issued_at = moment(required=True)


class DonationOut(Schema):
    """A gift as its donor and the organization's staff see it. `status` is what is known: pending (nothing was paid yet),
    processing (a bank has yet to confirm it), paid, failed, expired, cancelled or mismatched; `reason` is why the last try
    to pay failed. Only its donor gets the addresses where it is paid and told of. `amount` is what is paid, `cover_fee` the part
    of it that covers the card fee; `name`, `company` and `email` are null to the staff of an organization the donor hides from.
    `refunded` went back to the donor, `disputed` was taken by their bank. `payment` is Stripe's id of the payment and `differs`
    what is otherwise than it was asked: both are for the staff alone."""

    id = Id(required=True)
    fundraiser = ma.fields.String(required=True)
    monthly_gift = Id(required=True, allow_none=True)
    amount = ma.fields.Nested(MoneySchema, required=True)
    status = ma.fields.String(required=True, validate=one_of(DONATION_STATES))
    reason = ma.fields.String(required=True, allow_none=True)
    refunded = ma.fields.Nested(MoneySchema, required=True)
    disputed = ma.fields.Nested(MoneySchema, required=True)
    may_resume = ma.fields.Boolean(required=True)
    checkout_url = ma.fields.String(required=True, allow_none=True)
    url = ma.fields.String(required=True, allow_none=True)
    cover_fee = ma.fields.Nested(MoneySchema, required=True)
    anonymous = ma.fields.Boolean(required=True)
    hide_from_starter = ma.fields.Boolean(required=True)
    hide_from_organization = ma.fields.Boolean(required=True)
    name = ma.fields.String(required=True, allow_none=True)
    company = ma.fields.String(required=True, allow_none=True)
    email = ma.fields.String(required=True, allow_none=True)
    message = ma.fields.String(required=True)
    dedication = ma.fields.String(required=True, validate=one_of(DEDICATIONS))
    dedicated_to = ma.fields.String(required=True)
    receipts = ma.fields.List(ma.fields.Nested(ReceiptOut), required=True)
    payment = ma.fields.String(required=True, allow_none=True)
    differs = ma.fields.String(required=True, allow_none=True)
    created_at = moment(required=True)
    paid_at = moment(required=True, allow_none=True)


NeedList = list_schema(NeedOut, "NeedList")
ShiftList = list_schema(ShiftOut, "ShiftList")
ItemList = list_schema(ItemOut, "ItemList")
SignupList = list_schema(SignupOut, "SignupList")
PledgeList = list_schema(PledgeOut, "PledgeList")
OrganizationList = list_schema(OrganizationOut, "OrganizationList")
MemberList = list_schema(MemberOut, "MemberList")
InvitationList = list_schema(InvitationOut, "InvitationList")
LocationList = list_schema(LocationOut, "LocationList")
DonationPublicList = list_schema(DonationPublicOut, "DonationPublicList")
DonationList = list_schema(DonationOut, "DonationList")
