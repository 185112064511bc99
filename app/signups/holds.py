"""Places held for guests (S10): somebody without an account types name, address and birth date; the link sent to the
address confirms. Until then nobody is a person here, and nobody learns whether the address has an account."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from app.accounts.models import Person
from app.accounts.operations import find_or_create_guest, normal_email
from app.core import audit, outbox
from app.core.clock import now
from app.core.db import db, lock, new_id
from app.core.errors import InvalidInput, Refused, refuse
from app.core.i18n import _
from app.core.text import block
from app.core.tokens import seal, unseal
from app.needs.models import Need, Shift
from app.signups import gate, offers
from app.signups.models import GuestHold, Signup
from app.signups.operations import sign_up
from app.signups.places import claim_places, free_places

HELD_FOR = dt.timedelta(minutes=45)


def hold_places(
    shift_id: int,
    *,
    name: str,
    email: str,
    birth_date: dt.date,
    party_size: int = 1,
    position_id: int | None = None,
    note: str = "",
    locale: str | None = None,
) -> GuestHold:
    """Hold places for a guest for 45 minutes, and promise the mail whose link confirms them.

    The same address again on the same shift takes the place of its earlier hold. Raises InvalidInput, or Refused with
    every reason that the public may know (`gate.check_guest`).
    """
    address = normal_email(email)
    if not name.strip():
        raise InvalidInput({"name": _("Enter your name")})
    shift = _locked_shift(shift_id)
    # Whoever waits comes first (S5).
    offers.offer_free_places(shift)
    earlier = db.session.scalar(
        sa.select(GuestHold).where(
            GuestHold.shift_id == shift.id, GuestHold.email == address, GuestHold.status == "held"
        )
    )
    if earlier is not None:
        _end(earlier, shift, "replaced")
    reasons = gate.check_guest(shift, birth_date, party_size=party_size, position_id=position_id)
    position = gate.find_position(shift, position_id, party_size)
    if reasons or position is None:
        raise Refused(reasons) if reasons else refuse("position", _("Choose what you would do."))
    claim_places(position, party_size)
    hold = GuestHold(
        shift_id=shift.id,
        position_id=position.id,
        status="held",
        name=name.strip(),
        email=address,
        birth_date=birth_date,
        locale=locale,
        party_size=party_size,
        note=block(note) or "",
        created_at=now(),
        expires_at=now() + HELD_FOR,
    )
    db.session.add(hold)
    _record("guest_hold.made", hold, shift)
    outbox.enqueue("mail_guest_hold", {"hold_id": hold.id}, key=f"mail_guest_hold:{hold.id}")
    offers.offer_free_places(shift)
    return hold


def send_again(hold_id: int) -> None:
    """Promise the mail once more. Raises Refused when the hold has ended."""
    hold, _shift = _locked(hold_id)
    _require_held(hold)
    outbox.enqueue("mail_guest_hold", {"hold_id": hold.id}, key=f"mail_guest_hold:{hold.id}:{new_id()}")


def correct_address(hold_id: int, email: str) -> GuestHold:
    """The same places for another address, because there was a slip in the first: its link is dead, a new one is promised.
    Raises InvalidInput, or Refused when the hold has ended or the shift takes nobody any more."""
    hold, shift = _locked(hold_id)
    _require_held(hold)
    if hold.birth_date is None:
        raise _gone()
    normal_email(email)
    name, birth_date, note = hold.name, hold.birth_date, hold.note
    _end(hold, shift, "replaced")
    return hold_places(
        shift.id,
        name=name,
        email=email,
        birth_date=birth_date,
        party_size=hold.party_size,
        position_id=hold.position_id,
        note=note,
        locale=hold.locale,
    )


def confirm_hold(hold_id: int) -> Signup:
    """Whoever reads the mail of the address takes the places: as the person who has an account with it, else as a new one
    that a later registration joins. Passes the gate like everybody. Confirmed before: the same place again.

    Raises Refused with every reason, and when the hold has ended.
    """
    hold, shift = _locked(hold_id)
    if hold.signup_id is not None:
        return db.session.get_one(Signup, hold.signup_id)
    if hold.status != "held" or hold.birth_date is None or hold.expires_at <= now():
        raise _gone()
    person = find_or_create_guest(email=hold.email, name=hold.name, birth_date=hold.birth_date, locale=hold.locale)
    if person.password_hash is None and (reasons := gate.check_without_account(shift)):
        # It was changed since the place was held.
        raise Refused(reasons)
    free_places(hold.position, hold.party_size)
    signup = sign_up(
        shift.id,
        by=person,
        party_size=hold.party_size,
        position_id=hold.position_id,
        note=hold.note,
        were_held=True,
    )
    hold.signup_id = signup.id
    _erase(hold, "confirmed")
    _record("guest_hold.confirmed", hold, shift)
    return signup


def note_mail(hold_id: int, *, failed: bool) -> None:
    """Whether the mail with the link reached the guest, for the staff who count on them. Nothing once the hold has ended."""
    hold, shift = _locked(hold_id)
    if hold.status != "held" or failed == (hold.mail_failed_at is not None):
        return
    hold.mail_failed_at = now() if failed else None
    _record("guest_hold.mail_failed" if failed else "guest_hold.mail_arrives", hold, shift)


def end_expired_hold(hold_id: int) -> None:
    """Free the places of a hold whose time is over. Looked at again under the lock."""
    hold, shift = _locked(hold_id)
    if hold.status == "held" and hold.expires_at <= now():
        _end(hold, shift, "expired")
        offers.offer_free_places(shift)


def page_token(hold: GuestHold) -> str:
    """What the address of the guest's own page carries: it shows and corrects, but does not confirm."""
    return seal("guest-hold", [hold.id])


def confirm_token(hold: GuestHold) -> str:
    """What only the mail carries."""
    return seal("guest-confirm", [hold.id])


def find_hold(token: str, purpose: str) -> GuestHold | None:
    """The hold that a token of `page_token` ("guest-hold") or `confirm_token` ("guest-confirm") is about, or None."""
    values = unseal(purpose, token)
    return db.session.get(GuestHold, values[0]) if values else None


def _end(hold: GuestHold, shift: Shift, status: str) -> None:
    free_places(hold.position, hold.party_size)
    _erase(hold, status)
    _record(f"guest_hold.{status}", hold, shift)


def _erase(hold: GuestHold, status: str) -> None:
    """What a guest typed is kept no longer than the hold."""
    hold.status = status
    hold.name = hold.email = hold.note = ""
    hold.birth_date = None
    db.session.flush()


def _locked(hold_id: int) -> tuple[GuestHold, Shift]:
    """Person (of the address, when there is one), need, shift, then the hold: the order in which every act locks."""
    found = db.session.get(GuestHold, hold_id)
    if found is None:
        raise _gone()
    person_id = db.session.scalar(sa.select(Person.id).where(Person.email == found.email))
    if person_id is not None:
        lock(Person, person_id)
    shift = _locked_shift(found.shift_id)
    hold = lock(GuestHold, hold_id)
    if hold is None:
        raise _gone()
    return hold, shift


def _locked_shift(shift_id: int) -> Shift:
    found = db.session.get(Shift, shift_id)
    need = lock(Need, found.need_id) if found is not None else None
    shift = lock(Shift, shift_id) if need is not None else None
    if shift is None:
        raise refuse("not_found", _("This shift is not there any more."))
    return shift


def _require_held(hold: GuestHold) -> None:
    if hold.status != "held" or hold.expires_at <= now():
        raise _gone()


def _gone() -> Refused:
    return refuse(
        "hold_ended", _("Your place is not held any more."), _("Sign up again: it takes a minute while there is room.")
    )


def _record(action: str, hold: GuestHold, shift: Shift) -> None:
    db.session.flush()
    audit.record(
        action,
        subject=hold,
        by=None,
        organization_id=shift.need.organization_id,
        data={"shift_id": shift.id, "position_id": hold.position_id, "party_size": hold.party_size},
    )
