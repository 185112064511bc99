"""What changes organizations and their locations. Who belongs to them: members.py, invitations.py."""

from __future__ import annotations

import re
import secrets
import unicodedata
from typing import Any

import sqlalchemy as sa

from app.accounts.models import Person
from app.accounts.policy import ADULT_AGE, is_known_adult, majority_age_at
from app.core import audit, outbox
from app.core.clock import is_time_zone, now
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.ids import ALPHABET, new_id
from app.core.money import currency_of
from app.core.pictures import Picture
from app.core.places import find_place, find_region
from app.organizations.causes import CAUSES, find_cause
from app.organizations.members import add_membership, lock_organization
from app.organizations.models import FIRST_COME_CHOICES, Location, Logo, Organization

RESERVED_SLUGS = frozenset({"new", "register"})
# A logo fits into a square of so many pixels.
LOGO_BOX = 320


def name_key(name: str) -> str:
    """The folded form by which the same organization is found again: case, accents, punctuation and spaces aside."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub(r"[\W_]+", " ", letters).strip()[:160]


def free_slug(name: str) -> str:
    """A slug nobody has, made of the name; names in other scripts become "organization"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "organization"
    taken = sa.select(Organization.id).where(Organization.slug == slug)
    if slug in RESERVED_SLUGS or db.session.scalar(taken) is not None:
        slug = f"{slug}-{''.join(secrets.choice(ALPHABET) for _time in range(6))}"
    return slug


def register_organization(
    *,
    name: str,
    by: Person | None,
    owner: Person | None,
    country: str,
    time_zone: str | None = None,
    place: str | None = None,
    description: str = "",
    website: str | None = None,
) -> Organization:
    """An unverified organization (N1: drafts only). `owner` None makes it unclaimed, as an import does.

    `place` is looked up offline and gives the time zone when none is given. Raises InvalidInput, naming the field.
    """
    if not name.strip():
        raise InvalidInput({"name": _("Enter the organization's name")})
    if len(name.strip()) > 160:  # what no form has looked at: SQLite would keep it, PostgreSQL would stop
        raise InvalidInput({"name": _("Write 160 characters or fewer")})
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise InvalidInput({"country": _("Choose a country")})
    found = find_place(place, country=country) if place else None
    if place and found is None:
        raise InvalidInput({"place": _("We do not know this place. Try a larger town or a postal code")})
    zone = time_zone or (found.time_zone if found else None)
    if zone is None or not is_time_zone(zone):
        raise InvalidInput({"time_zone": _("Give a town, or a time zone such as America/New_York")})
    organization = Organization(
        slug=free_slug(name),
        name=name.strip(),
        name_key=name_key(name),
        description=description.strip(),
        website=_checked_website(website),
        country=country,
        currency=currency_of(country),
        time_zone=zone,
        city=found.city if found else None,
        region=found.region if found else None,
        claimed_at=None if owner is None else now(),
        created_at=now(),
        version=1,
    )
    db.session.add(organization)
    db.session.flush()
    if owner is not None:
        add_membership(organization, owner, "owner")
    audit.record("organization.registered", subject=organization, by=by, organization_id=organization.id)
    return organization


def edit_organization(organization_id: int, *, by: Person, **values: Any) -> Organization:
    """Change name, description, website, causes (words of organizations.causes), place (a town, or the state or province alone,
    looked up offline in its country; empty: not said), auto_approve_fundraisers or first_come_hours (of FIRST_COME_CHOICES), as
    far as given. Raises InvalidInput."""
    organization = lock_organization(organization_id)
    if "name" in values:
        if not (values["name"] or "").strip():
            raise InvalidInput({"name": _("Enter the organization's name")})
        organization.name, organization.name_key = values["name"].strip(), name_key(values["name"])
    if "description" in values:
        organization.description = (values["description"] or "").strip()
    if "website" in values:
        organization.website = _checked_website(values["website"])
    if "causes" in values:
        if any(find_cause(slug) is None for slug in values["causes"]):
            raise InvalidInput({"causes": _("Choose causes from the list")})
        organization.causes = [cause.slug for cause in CAUSES if cause.slug in values["causes"]]
    if "auto_approve_fundraisers" in values:
        organization.auto_approve_fundraisers = bool(values["auto_approve_fundraisers"])
    if "first_come_hours" in values:
        if values["first_come_hours"] not in FIRST_COME_CHOICES:
            raise InvalidInput({"first_come_hours": _("Choose one of the list")})
        organization.first_come_hours = values["first_come_hours"]
    if "place" in values:
        _set_place(organization, (values["place"] or "").strip(), by)
    organization.version += 1
    _record("organization.edited", organization, organization, by, {"fields": sorted(values)})
    db.session.flush()
    return organization


def _set_place(organization: Organization, text: str, by: Person) -> None:
    """Where it is, as everybody reads it. The law of its state or province says who is an adult at needs that have no place of
    their own, and who vouches for people (G4): what rests on that is asked again (G1)."""
    if text == organization.place:
        return
    was, country = organization.region, organization.country
    city, region = (None, None) if not text else _town_or_province(text, country)
    # Who is none there does not become an adult by a word of their own about where it is.
    there = majority_age_at(country, was)
    elsewhere = ADULT_AGE if region is None else majority_age_at(country, region)
    if elsewhere < there and not is_known_adult(by, there):
        said = _("Somebody of you who is known to be %(age)s or older says this: it decides who is an adult", age=there)
        if by.birth_date is None:
            said = _("This decides who is an adult: add your birth date to your profile first")
        raise InvalidInput({"place": said})
    organization.city, organization.region = city, region
    _record("organization.moved", organization, organization, by, {"was": was or "", "now": organization.region or ""})
    if organization.region != was:
        payload = {"organization_id": organization.id}
        outbox.enqueue(
            "organization_rules_changed", payload, key=f"organization_rules_changed:{organization.id}:{new_id()}"
        )


def _town_or_province(text: str, country: str) -> tuple[str | None, str | None]:
    """Town and state or province that `text` names in that ISO country. A name of both ("Alabama" is a village in New York) is
    the state, unless the town lies in it."""
    region, found = find_region(country, text), find_place(text, country=country)
    if region is not None and (found is None or found.region != region):
        return None, region
    if found is None or found.country != country:
        raise InvalidInput(
            {"place": _("We do not know this place there. Try a larger town, or the state or province alone")}
        )
    return found.city, found.region


def set_logo(organization_id: int, picture: Picture, *, by: Person) -> Logo:
    """Show `picture` (core.pictures.reencode, outside of any transaction: it takes a moment) as the organization's logo,
    in place of the one it had."""
    organization = lock_organization(organization_id)
    _forget_logo(organization)
    logo = Logo(
        organization_id=organization.id,
        content=picture.content,
        digest=picture.digest,
        width=picture.width,
        height=picture.height,
        created_at=now(),
    )
    db.session.add(logo)
    organization.version += 1
    _record("organization.logo_set", organization, organization, by, {"bytes": len(picture.content)})
    db.session.flush()
    db.session.expire(organization, ["logo"])
    return logo


def remove_logo(organization_id: int, *, by: Person) -> None:
    """Show no logo any more; nothing of it is kept."""
    organization = lock_organization(organization_id)
    if _forget_logo(organization):
        organization.version += 1
        _record("organization.logo_removed", organization, organization, by, {})
        db.session.flush()
        db.session.expire(organization, ["logo"])


def _forget_logo(organization: Organization) -> bool:
    logo = db.session.get(Logo, organization.id, populate_existing=True)
    if logo is not None:
        db.session.delete(logo)
        db.session.flush()
    return logo is not None


def show_first_steps(organization_id: int, *, by: Person, shown: bool) -> None:
    """Whether the staff's first page shows what a new organization does first."""
    organization = lock_organization(organization_id)
    organization.first_steps_hidden = not shown
    _record("organization.first_steps", organization, organization, by, {"shown": shown})
    db.session.flush()


def _checked_website(website: str | None) -> str | None:
    address = (website or "").strip()
    if address and not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", address):
        raise InvalidInput({"website": _("Enter a link that begins with https://")})
    if len(address) > 300:
        raise InvalidInput({"website": _("This link is too long")})
    return address or None


def add_location(organization_id: int, *, by: Person, name: str, address: str, place: str, private: bool) -> Location:
    """A place the organization works from, looked up offline. Raises InvalidInput, naming the field."""
    organization = lock_organization(organization_id)
    location = Location(
        organization_id=organization.id,
        name=_checked_name(name),
        address=address.strip(),
        private=private,
        **_looked_up(place, organization),
    )
    db.session.add(location)
    db.session.flush()
    _record("location.added", organization, location, by, {})
    return location


def edit_location(
    location_id: int,
    *,
    by: Person,
    name: str | None = None,
    address: str | None = None,
    place: str | None = None,
    private: bool | None = None,
) -> Location:
    """Change what is given of a place. Needs keep the place they were posted with. Raises InvalidInput, naming the field."""
    location = db.session.get_one(Location, location_id)
    organization = lock_organization(location.organization_id)
    if name is not None:
        location.name = _checked_name(name)
    if place is not None:
        for column, value in _looked_up(place, organization).items():
            setattr(location, column, value)
    if address is not None:
        location.address = address.strip()
    if private is not None:
        location.private = private
    db.session.flush()
    _record("location.edited", organization, location, by, {})
    return location


def _checked_name(name: str) -> str:
    if not name.strip():
        raise InvalidInput({"name": _("Enter a name")})
    return name.strip()


def _looked_up(place: str, organization: Organization) -> dict[str, Any]:
    """Where a location is, as far as the gazetteer knows."""
    found = find_place(place, country=organization.country)
    if found is None:
        raise InvalidInput({"place": _("We do not know this place. Try a larger town or a postal code")})
    return {
        "city": found.city,
        "region": found.region,
        "postal_code": found.postal_code,
        "country": found.country or organization.country,
        "latitude": found.latitude,
        "longitude": found.longitude,
        "time_zone": found.time_zone,
    }


def remove_location(location_id: int, *, by: Person) -> None:
    """Forget a place. Needs keep the place they were posted with."""
    location = db.session.get_one(Location, location_id)
    organization = lock_organization(location.organization_id)
    _record("location.removed", organization, location, by, {})
    db.session.delete(location)
    db.session.flush()


def _record(
    action: str, organization: Organization, subject: Organization | Location, by: Person, data: dict[str, Any]
) -> None:
    audit.record(action, subject=subject, by=by, organization_id=organization.id, data=data)
