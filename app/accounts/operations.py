"""What changes people: registering, proving an address, passwords, profiles, tokens.

Registering and asking for a link run the same statements whether an address is known or not, so that nobody can ask
this site who has an account.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.dialects import postgresql, sqlite

from app.accounts import passwords
from app.accounts.availability import TIMES
from app.accounts.facts import tell_facts_changed
from app.accounts.models import NO_MAILBOX, ApiToken, CalendarFeed, LinkToken, Person, PersonSkill, PersonTime
from app.accounts.policy import MINIMUM_AGE, may_be_minor_somewhere
from app.accounts.queries import find_email_change, find_link, find_person_by_email
from app.accounts.scopes import SCOPES
from app.accounts.skills import find_skill
from app.accounts.under_age import UnderAge, refuse_another
from app.core import audit, outbox
from app.core.clock import age_on, is_time_zone, now, today
from app.core.db import db, lock, new_id, uses_sqlite
from app.core.errors import InvalidInput, Refused, refuse
from app.core.i18n import _
from app.core.ids import encode_id
from app.core.places import find_place
from app.core.tokens import hash_token, keyed_hash, new_token

OLDEST = 120
LINK_LIFETIMES = {
    "verify_email": dt.timedelta(days=7),
    "reset_password": dt.timedelta(hours=2),
    "sign_in": dt.timedelta(minutes=30),
    "change_email": dt.timedelta(days=2),
}
# How long a link is kept after it was followed or expired: it names an address.
LINKS_KEPT = dt.timedelta(days=7)
# The longest way back that a link in a mail carries, in characters.
MAXIMUM_WAY = 800


def normal_email(email: str) -> str:
    """The address as it is kept: checked for form, lower case. Raises InvalidInput at "email"."""
    try:
        checked = validate_email(email.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise InvalidInput({"email": _("Enter an email address like name@example.org")}) from error
    if len(checked) > 254:
        raise InvalidInput({"email": _("This address is too long")})
    return checked


def check_birth_date(birth_date: dt.date | None) -> None:
    """Raise InvalidInput for a date that is none of a living person, UnderAge of a child under 13 (G4: nothing is kept of it).

    The day is taken where it is latest on earth, so that nobody is refused on their thirteenth birthday.
    """
    if birth_date is None:
        return
    latest = today("Pacific/Kiritimati")
    if birth_date > latest or age_on(birth_date, latest) > OLDEST:
        raise InvalidInput({"birth_date": _("Enter your birth date: a day in the last %(n)s years", n=OLDEST)})
    if age_on(birth_date, latest) < MINIMUM_AGE:
        raise UnderAge(
            {
                "birth_date": _(
                    "Accounts are for people aged 13 or older. We kept nothing of what you typed. "
                    "Ask a grown-up you trust whether you can help together."
                )
            }
        )


def register_person(
    *,
    email: str,
    name: str,
    password: str,
    birth_date: dt.date | None = None,
    locale: str | None = None,
    way: str = "",
) -> str:
    """An account that waits for its address to be proved, or, when the address has one, a note to its owner.

    `way` is the path of the page where they were, so that the link leads back to it. Gives a mark for this browser, by which
    `verify_email` knows that the password was chosen here. Says nothing about which it was, to the mark's bearer neither.
    Raises InvalidInput for what was typed, whoever the address belongs to.
    """
    check_birth_date(birth_date)
    address = normal_email(email)
    if problem := passwords.problem_with(password, address):
        raise InvalidInput({"password": problem})
    hashed = passwords.hash_password(password)
    made = _insert_person(
        email=address,
        name=name.strip(),
        password_hash=hashed,
        birth_date=birth_date,
        locale=locale,
    )
    person = db.session.scalars(sa.select(Person).where(Person.email == address)).one()
    audit.record("person.registered" if made else "person.registered_again", subject=person, by=None)
    kind = "mail_verify_email" if made else "mail_address_taken"
    db.session.flush()
    payload = {"person_id": person.id, "way": kept_way(way)}
    outbox.enqueue(kind, payload, key=f"{kind}:{person.id}:{new_id()}")
    return _mark(hashed)


def _mark(password_hash: str) -> str:
    """Of one choice of a password: each hash has a salt of its own, also of the same password chosen twice."""
    return keyed_hash("chosen here", password_hash)


def request_link(email: str, purpose: str, *, way: str = "") -> None:
    """Promise the link `purpose` to whoever has this address; the same statements when nobody has. `way` is the path of
    the page the link leads on to."""
    person = find_person_by_email(email)
    payload = {"person_id": 0 if person is None else person.id, "way": kept_way(way)}
    outbox.enqueue(f"mail_{purpose}", payload, key=f"mail_{purpose}:{payload['person_id']}:{new_id()}")


def kept_way(way: str) -> str:
    """As much of a way back as a mail carries: all of it, else its page without the query, else nothing. Never a part of
    an address, which would lead elsewhere."""
    return next((part for part in (way, way.partition("?")[0]) if len(part) <= MAXIMUM_WAY), "")


def make_link(person: Person, purpose: str, *, promise: str) -> str:
    """The token of the link that `promise` (the outbox key) is about; asked again it is the same one.

    It is derived from the promise with a key the database does not hold: a mail that is sent twice after a crash
    carries the same working link, and neither outbox nor table holds the token itself.
    """
    token = keyed_hash("link", promise)
    hashed = hash_token(token)
    if db.session.scalar(sa.select(LinkToken.id).where(LinkToken.token_hash == hashed)) is None:
        db.session.add(
            LinkToken(
                person_id=person.id,
                purpose=purpose,
                token_hash=hashed,
                email=person.email,
                created_at=now(),
                expires_at=now() + LINK_LIFETIMES[purpose],
            )
        )
        db.session.flush()
    return token


def forget_old_links() -> None:
    """Delete links that were followed, or expired, more than a week ago; called by a sweep, in its transaction.
    They open nothing before that either."""
    limit = now() - LINKS_KEPT
    spent = sa.and_(LinkToken.used_at.is_not(None), LinkToken.used_at < limit)
    db.session.execute(sa.delete(LinkToken).where(sa.or_(spent, LinkToken.expires_at < limit)))


def request_email_change(person_id: int, email: str, *, way: str = "") -> None:
    """Promise a link to the new address of a person; following it makes the address theirs, and leads on to the page
    `way`. Their present address is told when it is proved. Says nothing about whether somebody else has the new one.
    Raises InvalidInput at "email"."""
    person = _locked(person_id)
    address = normal_email(email)
    if address == person.email:
        raise InvalidInput({"email": _("This is your address already")})
    promise = f"mail_change_email:{person.id}:{new_id()}"
    db.session.add(
        LinkToken(
            person_id=person.id,
            purpose="change_email",
            token_hash=hash_token(keyed_hash("link", promise)),
            email=address,
            created_at=now(),
            expires_at=now() + LINK_LIFETIMES["change_email"],
        )
    )
    audit.record("person.email_change_asked", subject=person, by=person)
    db.session.flush()
    outbox.enqueue("mail_change_email", {"person_id": person.id, "way": kept_way(way)}, key=promise)
    if person.is_email_verified:
        outbox.enqueue("mail_email_change_asked", {"person_id": person.id}, key=f"asked:{promise}")


def change_email(token: str, *, by: Person) -> Person:
    """The address a link was sent to is the person's now; every other session ends, as do links to the old one.

    Raises Refused (`link_unusable`) also when somebody else has this address by now, and when it was not `by`, signed in, who
    asked: whoever else has the mailbox would give their address to somebody else's account.
    """
    link = find_email_change(token)
    if link is None or link.person_id != by.id or find_person_by_email(link.email) is not None:
        raise _unusable()
    found = lock(LinkToken, link.id)
    if found is None or found.used_at is not None:
        raise _unusable()
    found.used_at = now()
    person = _locked(found.person_id)
    person.email, person.email_verified_at, person.mail_failed_at = found.email, now(), None
    person.session_epoch += 1
    audit.record("person.email_changed", subject=person, by=person)
    db.session.flush()
    return person


def sign_in_by_link(token: str, *, mark: str = "") -> Person:
    """Whoever reads the mail of this address is the person. When that shows for the first time whose it is, a password that
    was chosen elsewhere than in the browser with this `mark` (of `register_person`) opens nothing any more. Raises Refused
    (`link_unusable`), also for a person who may not sign in."""
    person = _use_link(token, "sign_in")
    if not person.is_active:
        raise _unusable()
    _prove(person, by=None, mark=mark)
    audit.record("person.signed_in_by_link", subject=person, by=person)
    return person


def verify_email(token: str, *, by: Person | None = None, mark: str = "") -> Person:
    """The address is the person's. Its owner may not be who registered it: the password stays only when the link is opened by
    whoever knows it, signed in as that person (`by`) or in the browser where it was chosen (`mark`, of `register_person`).
    Raises Refused (`link_unusable`) for a link that is used, expired or unknown."""
    person = _use_link(token, "verify_email")
    _prove(person, by=by, mark=mark)
    audit.record("person.email_verified", subject=person, by=person)
    return person


def _prove(person: Person, *, by: Person | None, mark: str) -> None:
    """Whoever reads the mail of the address has the account from now on, and nobody else has it any more."""
    if person.is_email_verified:
        return
    chosen = person.password_hash
    is_here = chosen is not None and secrets.compare_digest(_mark(chosen).encode(), mark.encode())
    if not is_here and (by is None or by.id != person.id):
        shut_out_unproved(person, by=None)
    person.email_verified_at = now()


def make_password_link(person: Person) -> str:
    """The token of a link to a first password, for whoever just showed in this browser that the address is theirs."""
    return make_link(person, "reset_password", promise=f"first_password:{person.id}:{new_id()}")


def prove_address(person_id: int) -> Person:
    """The person, signed in, holds a link that was sent to their address and to nobody else: the address is theirs, and so is
    the password that opened this session."""
    person = _locked(person_id)
    if not person.is_email_verified:
        person.email_verified_at = now()
        audit.record("person.email_verified", subject=person, by=person)
        db.session.flush()
    return person


def reset_password(token: str, password: str) -> Person:
    """A new password by a link; every session ends, and so do the calendar's address and the tokens of the API: whoever asks
    for this may have lost the account to somebody. The link also proves the address. Raises Refused, InvalidInput."""
    link = find_link(token, "reset_password")
    if link is not None and (problem := passwords.problem_with(password, link.email)):
        raise InvalidInput({"password": problem})
    person = _use_link(token, "reset_password")
    person.email_verified_at = person.email_verified_at or now()
    _set_password(person, password)
    _end_tokens(person)
    audit.record("person.password_reset", subject=person, by=person)
    return person


def change_password(person_id: int, *, current: str, password: str) -> Person:
    """A new password, given the current one; every other session ends, and the calendar's address. Raises InvalidInput at the
    field."""
    person = _locked(person_id)
    if not passwords.verify_password(person.password_hash, current):
        raise InvalidInput({"current": _("This is not your present password")})
    if problem := passwords.problem_with(password, person.email):
        raise InvalidInput({"password": problem})
    _set_password(person, password)
    audit.record("person.password_changed", subject=person, by=person)
    return person


def authenticate(email: str, password: str) -> Person | None:
    """The active person whose address and password these are, or None; the same work for every address. Reads only."""
    person = find_person_by_email(email)
    known = passwords.verify_password(None if person is None else person.password_hash, password)
    return person if known and person is not None and person.is_active else None


def edit_profile(person_id: int, *, by: Person, **values: Any) -> Person:
    """Change name, birth_date, place (looked up offline), time_zone (an IANA name, or a place there; None: the one of their
    place, from now on), availability (words of accounts.availability) or skills, as far as given. Raises InvalidInput."""
    person = _locked(person_id)
    if "birth_date" in values:
        _check_said(person, values["birth_date"], by)
        if person.birth_date != values["birth_date"]:
            if by.id == person.id:
                _refuse_growing_up(person, values["birth_date"])
            person.birth_date = values["birth_date"]
            tell_facts_changed(person.id)
    if "name" in values:
        if not (values["name"] or "").strip():
            raise InvalidInput({"name": _("Enter your name")})
        person.name = values["name"].strip()
    if "place" in values:
        country = person.country
        _set_place(person, values["place"])
        if person.country != country:
            # Who is an adult is said by the law of where they are, too.
            tell_facts_changed(person.id)
    if "place" in values or "time_zone" in values:
        chosen = values.get("time_zone", person.time_zone if person.time_zone_chosen else None)
        _set_time_zone(person, chosen)
    if "availability" in values:
        _set_availability(person, set(values["availability"]))
    if "skills" in values:
        wanted = set(values["skills"])
        if any(find_skill(slug) is None for slug in wanted):
            raise InvalidInput({"skills": _("Choose skills from the list")})
        person.skills = [PersonSkill(person_id=person.id, skill=slug) for slug in sorted(wanted)]
    audit.record("person.edited", subject=person, by=by, data={"fields": sorted(values)})
    db.session.flush()
    return person


def _check_said(person: Person, birth_date: dt.date | None, by: Person) -> None:
    """`check_birth_date`, and that whoever has just said the date of a child under 13 says no other next (`under_age`). Who is
    known by an earlier date keeps that, and has only made a slip."""
    if person.birth_date is not None or by.id != person.id:
        try:
            check_birth_date(birth_date)
        except UnderAge as slip:
            raise InvalidInput(slip.errors) from slip
        return
    if birth_date is not None:
        refuse_another(person.id)
    check_birth_date(birth_date)


def _refuse_growing_up(person: Person, birth_date: dt.date | None) -> None:
    """Raise InvalidInput when somebody who may be a minor would make themselves older, or their age unknown: what protects
    them would be gone by a word of their own (G4)."""
    if person.birth_date is None or not may_be_minor_somewhere(person):
        return
    if birth_date is None or birth_date < person.birth_date:
        said = _("We keep the date you gave. If it is wrong, write to the people who run this site: they correct it")
        raise InvalidInput({"birth_date": said})


def correct_birth_date(person_id: int, birth_date: dt.date) -> Person:
    """The operator's act, once somebody has shown that the date they gave was wrong. Raises InvalidInput."""
    check_birth_date(birth_date)
    person = _locked(person_id)
    person.birth_date = birth_date
    tell_facts_changed(person.id)
    audit.record("person.birth_date_corrected", subject=person, by=None)
    return person


def create_person(
    *,
    email: str,
    name: str,
    password: str | None,
    role: str | None = None,
    birth_date: dt.date | None = None,
    is_adult: bool = False,
) -> Person:
    """The operator's act: an account whose address counts as verified. `is_adult`: the operator answers for that while no birth
    date is known (policy.is_known_adult). Raises Refused when the address has one."""
    check_birth_date(birth_date)
    address = normal_email(email)
    if password is not None and (problem := passwords.problem_with(password, address)):
        raise InvalidInput({"password": problem})
    if find_person_by_email(address) is not None:
        raise refuse("taken", _("This address has an account already"))
    person = Person(
        email=address,
        name=name.strip(),
        password_hash=None if password is None else passwords.hash_password(password),
        birth_date=birth_date,
        adult_stated_at=now() if is_adult and birth_date is None else None,
        email_verified_at=now(),
        platform_role=role,
        status="active",
        session_epoch=1,
        created_at=now(),
    )
    if not person.name:
        raise InvalidInput({"name": _("Enter a name")})
    db.session.add(person)
    db.session.flush()
    audit.record(
        "person.created",
        subject=person,
        by=None,
        data={"role": role, "adult_stated": person.adult_stated_at is not None},
    )
    return person


def find_or_create_guest(*, email: str, name: str, birth_date: dt.date | None, locale: str | None = None) -> Person:
    """The person who has this proved address, or a new one without a password, whom a later registration joins (S10).

    Only for whoever has shown that they read its mail: the address counts as verified. What a guest typed changes nothing
    about a person who is known already.
    """
    address = normal_email(email)
    check_birth_date(birth_date)
    made = _insert_person(email=address, name=name.strip(), birth_date=birth_date, locale=locale)
    person = _locked(db.session.scalars(sa.select(Person.id).where(Person.email == address)).one())
    if made:
        audit.record("person.guest", subject=person, by=None)
    if person.email_verified_at is None:
        shut_out_unproved(person, by=None)
        person.email_verified_at = now()
        audit.record("person.email_verified", subject=person, by=person)
    db.session.flush()
    return person


def shut_out_unproved(person: Person, *, by: Person | None) -> None:
    """Before something of the owner of this address becomes part of the account: as long as nobody has shown that the address
    is theirs, whoever chose the password may be anybody, and nothing that they opened with it opens anything from now on.
    The owner comes in by a link to their mail. `by`: the staff who speak of the owner, None whoever reads that mail. The
    caller holds the person."""
    if person.is_email_verified or person.password_hash is None:
        return
    person.password_hash = None
    person.session_epoch += 1
    _end_feed(person)
    _end_tokens(person)
    _end_changes(person)
    audit.record("person.shut_out", subject=person, by=by)


def _end_feed(person: Person) -> None:
    db.session.execute(sa.delete(CalendarFeed).where(CalendarFeed.person_id == person.id))


def _end_changes(person: Person) -> None:
    """Links to other addresses that somebody asked for do not work any more."""
    db.session.execute(
        sa.update(LinkToken)
        .where(LinkToken.person_id == person.id, LinkToken.purpose == "change_email", LinkToken.used_at.is_(None))
        .values(used_at=now())
    )


def _end_tokens(person: Person) -> None:
    live = sa.update(ApiToken).where(ApiToken.person_id == person.id, ApiToken.revoked_at.is_(None))
    db.session.execute(live.values(revoked_at=now()))


def write_down_person(*, name: str, email: str, birth_date: dt.date | None, by: Person) -> tuple[Person, bool]:
    """Somebody whom the staff `by` have before them: the person with this address and True, or a new one and False.

    Without an address they get one that no mail is ever sent to (RFC 2606: .invalid). Their address stays unproved; whoever
    registered it before and has not proved it either is shut out. Raises InvalidInput.
    """
    if birth_date is None:
        raise InvalidInput({"birth_date": _("Ask for the birth date")})
    check_birth_date(birth_date)
    if not name.strip():
        raise InvalidInput({"name": _("Enter the name")})
    key = new_id()
    address = normal_email(email) if email.strip() else f"{encode_id(key)}{NO_MAILBOX}"
    made = _insert_person(id=key, email=address, name=name.strip(), birth_date=birth_date)
    person = _locked(db.session.scalars(sa.select(Person.id).where(Person.email == address)).one())
    if made:
        audit.record("person.written_down", subject=person, by=by)
    shut_out_unproved(person, by=by)
    db.session.flush()
    return person, not made


def note_mail(person_id: int, *, failed: bool) -> None:
    """Remember that mail to this address is refused for good, or that it gets through again."""
    person = _locked(person_id)
    if failed == (person.mail_failed_at is not None):
        return
    person.mail_failed_at = now() if failed else None
    audit.record("person.mail_failed" if failed else "person.mail_arrives", subject=person, by=None)


def create_token(person: Person, *, scopes: list[str], name: str = "", by: Person | None = None) -> str:
    """A bearer token, shown once. Raises InvalidInput for an unknown scope."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        raise InvalidInput({"scopes": _("There is no such scope: %(names)s", names=", ".join(unknown))})
    token = new_token()
    row = ApiToken(
        person_id=person.id, token_hash=hash_token(token), name=name, scopes=sorted(scopes), created_at=now()
    )
    db.session.add(row)
    db.session.flush()
    audit.record("token.created", subject=row, by=by, data={"person_id": person.id, "scopes": row.scopes})
    return token


def _insert_person(**values: Any) -> bool:
    """A new active person, or False when somebody has this address already, also since a moment ago."""
    values = {"id": new_id(), **values, "status": "active", "session_epoch": 1, "created_at": now()}
    insert = sqlite.insert if uses_sqlite() else postgresql.insert
    statement = insert(Person).values(**values).on_conflict_do_nothing(index_elements=["email"])
    return db.session.execute(statement.returning(Person.id)).first() is not None


def _locked(person_id: int) -> Person:
    person = lock(Person, person_id)
    if person is None:
        raise refuse("not_found", _("This account is not there any more."))
    return person


def _use_link(token: str, purpose: str) -> Person:
    link = find_link(token, purpose)
    found = None if link is None else lock(LinkToken, link.id)
    if found is None or found.used_at is not None:
        raise _unusable()
    found.used_at = now()
    return _locked(found.person_id)


def _unusable() -> Refused:
    return refuse(
        "link_unusable", _("This link was used already, or is too old."), _("Ask for a new one; it takes a minute.")
    )


def _set_password(person: Person, password: str) -> None:
    """Everybody else is signed out, and what they asked for meanwhile does not come: a new address would outlive it."""
    person.password_hash = passwords.hash_password(password)
    person.session_epoch += 1
    _end_feed(person)
    _end_changes(person)


def _set_place(person: Person, text: str | None) -> None:
    if not (text or "").strip():
        person.place, person.latitude, person.longitude = None, None, None
        return
    found = find_place(str(text), country=person.country)
    if found is None:
        raise InvalidInput({"place": _("We do not know this place. Try a larger town or a postal code")})
    person.place, person.country = str(text).strip(), found.country
    # A town is near enough to find help nearby; where exactly somebody lives is nobody's business here.
    person.latitude, person.longitude = round(found.latitude, 2), round(found.longitude, 2)


def _set_time_zone(person: Person, text: str | None) -> None:
    """The clock that `text` names, or the one of their place, which it follows."""
    person.time_zone_chosen = bool((text or "").strip())
    if person.time_zone_chosen:
        person.time_zone = _find_time_zone(str(text).strip(), person.country)
    else:
        found = find_place(person.place, country=person.country) if person.place else None
        person.time_zone = None if found is None else found.time_zone


def _find_time_zone(text: str, country: str | None) -> str:
    if is_time_zone(text):
        return text
    found = find_place(text, country=country)
    if found is None:
        raise InvalidInput(
            {"time_zone": _("Enter a large town of that time zone, or its name, such as America/New_York")}
        )
    return found.time_zone


def _set_availability(person: Person, wanted: set[str]) -> None:
    if not wanted <= set(TIMES):
        raise InvalidInput({"availability": _("Choose from the list only")})
    person.free_times = [PersonTime(person_id=person.id, slot=time) for time in TIMES if time in wanted]
