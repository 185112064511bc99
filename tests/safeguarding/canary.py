"""A private need whose street, postal code, point and meeting point are words that stand nowhere else; people who may know
them, and people who may not, each with a place of their own; and everything that each of them can read."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from app.accounts.feeds import renew_feed
from app.accounts.models import Person
from app.accounts.operations import create_token
from app.accounts.scopes import SCOPES
from app.core import jobs
from app.core.clock import now, today
from app.core.db import Base, db, transaction
from app.core.ids import decode_id, encode_id
from app.core.outbox import Outbox
from app.imports.exports import EXPORTS, lines
from app.needs import index
from app.needs.models import DayFacts, Need, PrivateAddress, Shift
from app.needs.operations import assign_need
from app.organizations.models import Organization
from app.safeguarding.models import Clearance
from app.safeguarding.policy import guardian_token
from app.signups.models import Signup
from app.signups.operations import cancel_signup, sign_up
from app.signups.policy import place_token
from tests.factories import (
    allow_contact,
    make_clearance,
    make_guardian,
    make_member,
    make_need,
    make_person,
    make_shift,
)
from tests.house.bodies import BODIES
from tests.house.test_routes import filled_body, send
from tests.house.world import World

STREET, MEETING = "Quixotefjord", "Wobblegate"
# What leads to the door; the point that everybody may know is rounded to about a kilometre.
CANARIES = (STREET, MEETING, "07199-4711", "40.7312345", "-74.1623456")
STAFF = ("viewer", "coordinator", "manager", "owner")
MAY_KNOW = (*STAFF, "inside")
# Whoever may not, beside the callers of the house: confirmed on a shift six days away; inside the window until a moment ago,
# when the check was revoked, the person held, the birth date that of a minor, the place given back; with a place that the staff
# gave to the address, whoever registered it and has not shown that it is theirs; a guest's link; and a coordinator of other
# needs of the same organization.
OUTSIDERS = ("anonymous", "supporter", "other_owner", "moderator", "administrator", "outside", "revoked", "held", "minor",
             "gone", "unproved", "guest", "unassigned")  # fmt: skip
# A route that shows a secret of its own, or nothing but a file.
LINKS = ("/places/{place_token}", "/places/{place_token}/calendar.ics", "/my-help/calendar/{feed_token}.ics")


@dataclasses.dataclass(frozen=True)
class Actor:
    """Somebody who reads: their world names their own place."""

    name: str
    caller: str
    world: World


def prepare(world: World) -> tuple[dict[str, Actor], list[str]]:
    """Make the world's need private, with two shifts with children: tomorrow and six days away. Gives the people, and links
    that work without a session."""
    need_id = decode_id(world.values["need_id"])
    with transaction():
        need = db.session.get_one(Need, need_id)
        need.private_address, need.address, need.postal_code = True, None, None
        need.latitude, need.longitude, need.precision = 40.73, -74.16, "area"
        db.session.add(
            PrivateAddress(
                need_id=need.id, address=f"7 {STREET} Row", postal_code=CANARIES[2], latitude=float(CANARIES[3]),
                longitude=float(CANARIES[4]),
            )
        )  # fmt: skip
        db.session.merge(DayFacts(need_id=need.id, meeting_point=f"The {MEETING} door", contact="Kim, 555 0100"))
        index.reindex([need.id])
    home = db.session.get_one(Need, need_id).organization
    allow_contact(home)
    need = db.session.get_one(Need, need_id)
    near, far = make_shift(need, days=1.3, contact="children"), make_shift(need, days=6, contact="children")
    plain = make_shift(need, days=1.3)
    names = ("inside", "outside", "revoked", "held", "minor", "gone", "unproved")
    people = {name: make_person(password_hash="of a password") for name in names}
    places = {}
    for name, person in people.items():
        make_clearance(person, db.session.get_one(Organization, home.id))
        with transaction():
            places[name] = sign_up((far if name == "outside" else near).id, by=person).id
    people["guest"] = make_person(password_hash=None)
    with transaction():
        # Their place is older than the need's privacy.
        row = Signup(shift_id=plain.id, position_id=db.session.get_one(Shift, plain.id).positions[0].id, party_size=1,
                     person_id=people["guest"].id, status="confirmed", created_at=now())  # fmt: skip
        db.session.add(row)
        db.session.flush()
        places["guest"] = row.id
        row.position.taken += 1
        tokens, feeds = {}, {}
        for name in names:
            person = db.session.get_one(Person, people[name].id)
            tokens[name], feeds[name] = create_token(person, scopes=list(SCOPES)), renew_feed(person.id, by=person)
    guardian = make_guardian(people["minor"])
    with transaction():
        cancel_signup(places["gone"], by=db.session.get_one(Person, people["gone"].id))
        db.session.get_one(Person, people["held"].id).status = "held"
        db.session.get_one(Person, people["unproved"].id).email_verified_at = None
        db.session.get_one(Person, people["minor"].id).birth_date = today("UTC") - dt.timedelta(days=16 * 366)
        revoked = sa.update(Clearance).where(Clearance.person_id == people["revoked"].id)
        db.session.execute(revoked.values(revoked_at=now()))
    unassigned = make_member(home, "coordinator", all_needs=False)
    other = make_need(home)
    with transaction():
        assign_need(other.id, unassigned.id, by=unassigned)
        token = create_token(db.session.get_one(Person, unassigned.id), scopes=list(SCOPES))
    actors = {name: Actor(name, name, world) for name in ("anonymous", *world.sessions)}
    beside = World({"unassigned": unassigned.get_id()}, {"unassigned": token}, world.values)
    actors["unassigned"] = Actor("unassigned", "unassigned", beside)
    links = []
    for name in people:
        person, place = db.session.get_one(Person, people[name].id), db.session.get_one(Signup, places[name])
        own = {
            "signup_id": encode_id(place.id),
            "place_token": place_token(place),
            "shift_id": encode_id(place.shift_id),
        }
        # Whoever has no password opens nothing but links, and has no calendar.
        values = {**world.values, **own, "feed_token": feeds.get(name, world.values["feed_token"])}
        mine = World({name: person.get_id()}, {name: tokens.get(name, "")}, values)
        actors[name] = Actor(name, "anonymous" if name == "guest" else name, mine)
        if name != "inside":
            links += [link.format(**values) for link in LINKS]
    links += [link.format(**world.values) for link in LINKS]
    links += [f"/guardians/{guardian_token(guardian)}", f"/guests/{world.values['hold_token']}"]
    links += [f"/guests/confirm/{world.values['confirm_token']}", f"/invitations/{world.values['invitation_token']}"]
    return actors, links


def found_in(text: str) -> set[str]:
    """The canaries in a text, folded lines of a calendar put together again."""
    whole = re.sub(r"\r?\n[ \t]", "", text)
    return {word for word in CANARIES if word.casefold() in whole.casefold()}


def searches(world: World) -> Iterator[str]:
    """Addresses that ask for the words themselves, or pass them on."""
    for word in (STREET, MEETING):
        for path in (
            "/needs",
            "/needs.atom",
            "/needs.ics",
            "/organizations",
            "/fundraisers",
            "/api/v1/needs",
            "/learn",
            "/",
        ):
            for field in ("q", "near"):
                yield f"{path}?{field}={word}"
        yield f"/embed/organizations/{world.values['slug']}?q={word}"
    for path in (
        "/sitemap.xml",
        "/robots.txt",
        "/no-such-page",
        "/needs?near=Newark%2C+NJ&radius_km=9",
        "/api/v1/openapi.json",
    ):
        yield path
    yield "/needs?cursor=no"
    yield f"/organizations/{world.values['slug']}/needs.atom"


def reading(app: Flask, actor: Actor, rules: Iterable[Rule]) -> Iterator[tuple[str, str]]:
    """What somebody reads on every route that there is, with where they read it."""
    for rule in rules:
        answer = send(app, actor.world, "GET", rule.endpoint, actor.caller, None)
        yield f"{actor.name}: GET {rule.endpoint} {answer.status_code}", _whole(answer)


def asking(app: Flask, actor: Actor, addresses: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What somebody reads at these addresses; what they asked for is no find when it is said back to them."""
    client = app.test_client()
    if actor.caller != "anonymous":
        with client.session_transaction() as session:
            session["_user_id"], session["_fresh"] = actor.world.sessions[actor.caller], True
    for address in addresses:
        headers = {}
        if address.startswith("/api/") and actor.caller != "anonymous":
            headers["Authorization"] = f"Bearer {actor.world.tokens[actor.caller]}"
        text = _whole(client.get(address, headers=headers))
        for word in (STREET, MEETING):
            if f"={word}" in address:
                # The word alone, as it was typed; the address is "7 … Row", the meeting point "The … door".
                text = re.sub(rf"(?<!7 )(?<!The ){word}(?! Row)(?! door)", "", text)
        yield f"{actor.name}: GET {address}", text


def taking(app: Flask, actor: Actor) -> Iterator[tuple[str, str]]:
    """Every list that somebody takes away as a file, and the frame that anybody may show on their own site."""
    client = app.test_client()
    if actor.caller != "anonymous":
        with client.session_transaction() as session:
            session["_user_id"], session["_fresh"] = actor.world.sessions[actor.caller], True
    slug = actor.world.values["slug"]
    for name in EXPORTS:
        answer = client.post(f"/manage/{slug}/export/{name}.csv")
        yield f"{actor.name}: export {name} {answer.status_code}", _whole(answer)
    answer = client.get(f"/embed/organizations/{slug}")
    assert answer.status_code == 200
    yield f"{actor.name}: embed", _whole(answer)


def exported() -> Iterator[tuple[str, str]]:
    """What the operator's command writes, of everybody and of each organization, the names of anonymous donors too."""
    for organization_id in (None, *db.session.scalars(sa.select(Organization.id))):
        for name in EXPORTS:
            yield f"export {name}", "".join(lines(name, organization_id, names=True))


def acting(app: Flask, actor: Actor) -> Iterator[tuple[str, str]]:
    """What somebody reads in answer to every act with a valid body, whatever becomes of the world."""
    for method, endpoint in sorted(BODIES):
        if endpoint in ("accounts.sign_out",):
            continue
        answer = send(app, actor.world, method, endpoint, actor.caller, filled_body(actor.world, method, endpoint))
        yield f"{actor.name}: {method} {endpoint} {answer.status_code}", _whole(answer)


def _whole(answer: Any) -> str:
    text = answer.get_data().decode("utf-8", "replace")
    return text + "\n".join(f"{name}: {value}" for name, value in answer.headers)


def get_rules(app: Flask) -> list[Rule]:
    """Every route that is read."""
    return [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and rule.endpoint != "static"]


def parts_of(message: EmailMessage) -> str:
    """A mail as it is read: its headers, texts and attachments."""
    texts = [f"{name}: {value}" for name, value in message.items()]
    for part in message.walk():
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            texts.append(content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content))
    return "\n".join(texts)


def keep_every_promise(app: Flask) -> None:
    """Each promised mail, those of later days too."""
    for _round in range(3):
        with transaction():
            db.session.execute(sa.update(Outbox).where(Outbox.done_at.is_(None)).values(due_at=now()))
        jobs.work_off(app.extensions["outbox_handlers"], app.extensions["sweeps"])
        db.session.rollback()


def kept_in() -> dict[str, set[str]]:
    """Which columns of the database hold a canary."""
    found: dict[str, set[str]] = {}
    for table in Base.metadata.sorted_tables:
        for row in db.session.execute(sa.select(table)):
            for column, value in zip(table.columns, row, strict=True):
                if words := found_in(str(value)):
                    found.setdefault(f"{table.name}.{column.name}", set()).update(words)
    return found


def files_in(directory: Path) -> Iterator[tuple[str, str]]:
    """What the application wrote beside its database."""
    for path in directory.rglob("*"):
        if path.is_file() and ".db" not in path.name:
            yield str(path.relative_to(directory)), path.read_bytes().decode("utf-8", "replace")
