"""Where a need is, and what of it the public may know (N6): of a private place its area only."""

from __future__ import annotations

import dataclasses
from typing import Any

from app.core.clock import is_time_zone
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.i18n import _
from app.core.places import Place, find_place, nearest_place
from app.needs.models import Need, PrivateAddress
from app.needs.operations.inputs import PlaceInput
from app.organizations.models import Organization

# A private place is shown to about a kilometre: enough to know whether one can get there, not enough to find the door (N6).
PUBLIC_DECIMALS = 2


def look_up(place: PlaceInput, country: str | None) -> Place | None:
    """The place that `place` names, found offline: coordinates first, then postal code, then town; None when unknown."""
    if place.latitude is not None and place.longitude is not None:
        within = -90 <= place.latitude <= 90 and -180 <= place.longitude <= 180
        return nearest_place(place.latitude, place.longitude) if within else None
    country = place.country or country
    town = ", ".join(part for part in (place.city, place.region) if part)
    for text in (place.text, place.postal_code, town, place.city):
        if text and (found := find_place(text, country=country)) is not None:
            return found
    return None


def set_place(
    need: Need, organization: Organization, place: PlaceInput | None, *, private: bool, time_zone: str | None
) -> None:
    """Set where it is; `place` None leaves it where it is, an empty one takes it away. Without `time_zone` the zone is
    the place's. Raises InvalidInput (`place`, `time_zone`)."""
    if time_zone is not None:
        if not is_time_zone(time_zone):
            raise InvalidInput({"time_zone": _("Choose a time zone such as America/New_York")})
        need.time_zone = time_zone
    if place is None:
        if private != need.private_address:
            _turn(need, private)
        return
    if place.is_empty:
        need.city = need.region = need.country = need.precision = None
        _write(need, place, private=False, latitude=None, longitude=None)
        return
    found = look_up(place, organization.country)
    if found is None:
        raise InvalidInput({"place": _("We do not know this place. Try a larger town or a postal code")})
    if place.text:
        place = dataclasses.replace(place, postal_code=found.postal_code)
    has_point = place.latitude is not None and place.longitude is not None
    need.city = place.city if _keeps_city(place, private) else found.city
    need.region = place.region or found.region
    need.country = place.country or found.country
    need.precision = "coordinates" if has_point else found.precision
    if time_zone is None and found.time_zone:
        need.time_zone = found.time_zone
    latitude, longitude = (place.latitude, place.longitude) if has_point else (found.latitude, found.longitude)
    _write(need, place, private=private, latitude=latitude, longitude=longitude)


def _keeps_city(place: PlaceInput, private: bool) -> bool:
    """Free text ("Newark, NJ") was looked up as a whole; a town said apart from its region or code is kept as said, but
    not with a house number in it when the street is private (N6)."""
    if not place.city or not (place.region or place.postal_code or place.latitude is not None):
        return False
    return not (private and any(character.isdigit() for character in place.city))


def _turn(need: Need, private: bool) -> None:
    """Make the same place private, or public."""
    exact = db.session.get(PrivateAddress, need.id)
    if need.latitude is None and exact is None:
        need.private_address = False  # there is nothing to keep private yet
        return
    if exact is not None:
        same = PlaceInput(address=exact.address, postal_code=exact.postal_code)
        need.precision = "postal_code" if exact.postal_code else "city"
        _write(need, same, private=private, latitude=exact.latitude, longitude=exact.longitude)
    else:
        same = PlaceInput(address=need.address, postal_code=need.postal_code)
        _write(need, same, private=private, latitude=need.latitude, longitude=need.longitude)


def _write(need: Need, place: PlaceInput, *, private: bool, latitude: float | None, longitude: float | None) -> None:
    existing = db.session.get(PrivateAddress, need.id)
    need.private_address = private
    if not private or latitude is None or longitude is None:
        need.address, need.postal_code = place.address or None, place.postal_code or None
        need.latitude, need.longitude = latitude, longitude
        if existing is not None:
            db.session.delete(existing)
        return
    need.address, need.postal_code, need.precision = None, None, "area"
    need.latitude, need.longitude = round(latitude, PUBLIC_DECIMALS), round(longitude, PUBLIC_DECIMALS)
    exact = existing or PrivateAddress(need_id=need.id, address="")
    exact.address, exact.postal_code = place.address or "", place.postal_code
    exact.latitude, exact.longitude = latitude, longitude
    db.session.add(exact)


def whereabouts(need: Need) -> tuple[Any, ...]:
    """Everything about the place that people on a shift rely on: where to go, in which zone the clock is read."""
    exact = db.session.get(PrivateAddress, need.id) if need.private_address else None
    door = (need.address, need.postal_code) if exact is None else (exact.address, exact.postal_code)
    point = (need.latitude, need.longitude) if exact is None else (exact.latitude, exact.longitude)
    return (*door, *point, need.city, need.region, need.country, need.time_zone, need.remote)
