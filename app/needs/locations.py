"""The organization's own locations in the editor: choosing one fills in town, street and who may see it."""

from __future__ import annotations

from collections.abc import Sequence

from flask import request

from app.core.forms import choices
from app.core.i18n import _
from app.core.ids import encode_id
from app.needs.forms import NeedForm
from app.organizations.models import Location


def offer(form: NeedForm, locations: Sequence[Location]) -> None:
    """Let `form` choose among `locations`. One that was chosen since the page was made fills in its place; what the page
    shows chosen is the one whose place the form has."""
    by_id = {encode_id(location.id): location for location in locations}
    form.location.choices = choices(
        [("", _("Another place")), *((key, _in_words(location)) for key, location in by_id.items())]
    )
    chosen = form.location.data or ""
    if request.method == "POST" and chosen in by_id and chosen != (form.located.data or ""):
        fill_in(form, by_id[chosen])
    if chosen in by_id or not chosen:  # what nobody offered is said by the form itself
        form.location.data = next((key for key, one in by_id.items() if _is_at(form, one)), "")
    form.located.data = form.location.data


def fill_in(form: NeedForm, location: Location) -> None:
    """Put the place of `location` into the form."""
    form.place.data, form.address.data = _town(location), location.address
    form.private_address.data, form.remote.data = location.private, False


def _is_at(form: NeedForm, location: Location) -> bool:
    typed = ((form.place.data or "").casefold(), (form.address.data or "").casefold(), bool(form.private_address.data))
    return typed == (_town(location).casefold(), location.address.casefold(), location.private)


def _town(location: Location) -> str:
    """As the form says a need's: town, region and postal code."""
    town = ", ".join(part for part in (location.city, location.region) if part)
    return " ".join(part for part in (town, location.postal_code) if part)


def _in_words(location: Location) -> str:
    return ", ".join(part for part in (location.name, location.city) if part)
