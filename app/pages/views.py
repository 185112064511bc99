"""Home and the addresses that machines ask for."""

from __future__ import annotations

import datetime as dt
from email.utils import parseaddr
from itertools import groupby

from flask import Blueprint, Flask, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect
from markupsafe import escape

from app.accounts import feeds
from app.accounts.models import Person
from app.accounts.session import current_person
from app.core.cache import anonymous_page, public_document
from app.core.clock import local_date, now
from app.core.db import transaction
from app.core.drawing import MOST_CROWD
from app.core.i18n import _
from app.core.web import allow, public, settings, signed_in
from app.learning.courses.queries import list_open_attempts
from app.needs import listing
from app.needs.filters import parse
from app.needs.policy import seen_by_staff
from app.needs.queries import count_by_status
from app.needs.rows import NeedRow
from app.needs.search import search
from app.organizations.models import Organization
from app.organizations.policy import can_see_staff_pages, rights_of
from app.organizations.queries import find_organization, list_decider_names, list_own_organizations
from app.organizations.roles import ROLE_NAMES, ROLE_WORDS
from app.pages import my_help as helping
from app.pages import queries
from app.pages.activity import list_activity, list_seen
from app.pages.design import design
from app.pages.embedding import embedding
from app.pages.forms import CalendarForm
from app.pages.fundraising import fundraising
from app.pages.overview import first_steps_of, overview_of
from app.pages.sharing import sharing
from app.pages.ways import ways
from config import Settings

pages = Blueprint("pages", __name__)

# The picture of the first page is drawn from the needs that come next; only the first of them are listed.
SHOWN_AT_HOME = 20
LISTED_AT_HOME = 4


@pages.get("/")
@public
def home() -> ResponseReturnValue:
    """What this is, and the way to a need nearby."""
    return anonymous_page(_render_home)


def _render_home() -> str:
    filters, _errors = parse(lambda _name: [])
    rows = search(filters, SHOWN_AT_HOME).rows
    counted: list[NeedRow] = []
    places = 0
    for row in rows:  # no more than can be drawn: the words beside the picture count the same fingers
        if row.capacity and places + row.capacity <= MOST_CROWD:
            counted, places = [*counted, row], places + row.capacity
    taken = sum(row.taken for row in counted)
    return render_template(
        "pages/home.html",
        cards=listing.cards(rows[:LISTED_AT_HOME], filters),
        counted=len(counted),
        taken=taken,
        still_open=places - taken,
    )


@pages.get("/my-help")
@signed_in
def my_help() -> ResponseReturnValue:
    """Everything one promised by date, and what one gave before."""
    person = current_person()
    begun = [attempt.version for attempt in list_open_attempts(person.id)]
    return render_template("pages/my_help.html", help=helping.list_my_help(person), begun=begun)


@pages.route("/my-help/calendar", methods=["GET", "POST"])
@signed_in
def calendar_settings() -> ResponseReturnValue:
    """The address of one's private calendar: to subscribe to, to renew, to switch off."""
    person = current_person()
    form = CalendarForm()
    if form.validate_on_submit():
        with transaction():
            if form.off.data:
                feeds.revoke_feed(person.id, by=person)
            else:
                feeds.renew_feed(person.id, by=person)
        flash(_("Your calendar has no address any more.") if form.off.data else _("Your calendar has a new address."))
        return redirect(url_for("pages.calendar_settings"), code=303)
    token = feeds.find_feed_token(person.id)
    address = f"{settings().base_url}{url_for('pages.calendar', feed_token=token)}" if token else None
    webcal = address.replace("https://", "webcal://", 1).replace("http://", "webcal://", 1) if address else None
    return render_template("pages/calendar.html", form=form, address=address, webcal=webcal)


@pages.get("/my-help/calendar/<feed_token>.ics")
@public(load=lambda feed_token: feeds.find_feed_person(feed_token))
def calendar(person: Person) -> ResponseReturnValue:
    """Everything one signed up for, as a calendar to subscribe to. Whoever has the address reads it; exact addresses are in
    it inside their window only, asked afresh each time (N6, G7)."""
    content = helping.calendar_feed_of(person, settings())
    headers = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex"}
    return Response(content, content_type="text/calendar; charset=utf-8", headers=headers)


@pages.get("/manage/")
@signed_in
def own_organizations() -> ResponseReturnValue:
    """The organizations one works for; where it is one, its own first page."""
    own = list_own_organizations(current_person())
    if len(own) == 1:
        return redirect(url_for("pages.overview", slug=own[0].slug), code=303)
    return render_template("pages/own_organizations.html", own=own, role_names=ROLE_NAMES)


@pages.get("/manage/<slug>/")
@allow(can_see_staff_pages, load=find_organization)
def overview(organization: Organization) -> ResponseReturnValue:
    """What staff come to: what waits for them, how full the weeks are, what arrives, who comes next, what is raised."""
    rights, seen = rights_of(current_person(), organization), seen_by_staff(current_person(), organization.id)
    counts = count_by_status(organization.id, seen)
    return render_template(
        "pages/overview.html",
        organization=organization,
        overview=overview_of(organization, seen, all_needs=rights.all_needs),
        counts=counts,
        asks=None if rights.all_needs else list_decider_names(organization.id),
        steps=first_steps_of(organization, has_need=bool(counts)) if rights.manage_listings else None,
        may_edit=rights.manage_listings,
        may_receive=rights.receive,
        role_words=ROLE_WORDS,
    )


@pages.get("/manage/<slug>/activity")
@allow(can_see_staff_pages, load=find_organization)
def activity(organization: Organization) -> ResponseReturnValue:
    """What happened, latest first."""
    seen, rights = list_seen(current_person(), organization.id), rights_of(current_person(), organization)
    page = list_activity(organization.id, organization.slug, request.args.get("cursor"), seen=seen)
    following = url_for("pages.activity", slug=organization.slug, cursor=page.next_cursor) if page.next_cursor else None
    zone = organization.time_zone
    days = [(day, list(entries)) for day, entries in groupby(page.rows, lambda entry: local_date(entry.at, zone))]
    return render_template(
        "pages/activity.html",
        organization=organization,
        days=days,
        following=following,
        asks=None if rights.all_needs else list_decider_names(organization.id),
    )


@pages.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return Response("ok\n", content_type="text/plain")


@pages.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """The database answers and its migrations are this code's."""
    if not queries.is_migrated():
        return Response("migrations are missing\n", status=503, content_type="text/plain")
    return Response("ready\n", content_type="text/plain")


@pages.get("/.well-known/security.txt")
@public
def security_txt() -> ResponseReturnValue:
    """Whom to write to about a hole in the site (RFC 9116): whoever the site writes its mail as. Good for 90 days."""
    site = settings()
    expires = (now() + dt.timedelta(days=90)).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = (
        f"Contact: mailto:{parseaddr(site.mail_from)[1]}",
        f"Expires: {expires.strftime('%Y-%m-%dT%H:%M:%SZ')}",
        f"Preferred-Languages: {', '.join(site.supported_locales)}",
        f"Canonical: {site.base_url}/.well-known/security.txt",
    )
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@pages.get("/sitemap.xml")
@public
def sitemap() -> ResponseReturnValue:
    """Every page that everybody may see, for search engines (sitemaps.org, protocol 0.9)."""
    # Kept until anything is committed: what is out of sight is out of it at the next request, too (N1).
    return public_document(_list_addresses, "application/xml", now())


def _list_addresses() -> str:
    site = settings().base_url
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">']
    for address in queries.list_addresses():
        changed = f"<lastmod>{address.changed_on.isoformat()}</lastmod>" if address.changed_on else ""
        lines.append(f"<url><loc>{escape(site + address.path)}</loc>{changed}</url>")
    return "\n".join([*lines, "</urlset>\n"])


@pages.get("/robots.txt")
@public
def robots() -> ResponseReturnValue:
    """What search engines need not read: pages of those who are signed in, programs' answers, and each filter of a list."""
    closed = ("/manage/", "/moderation/", "/admin/", "/my-help", "/api/", "/needs?", "/learn?", "/share/")
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed), f"Sitemap: {settings().base_url}/sitemap.xml"]
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


BLUEPRINTS = (pages, sharing, embedding, ways, fundraising)


def init_app(app: Flask, _csrf: CSRFProtect) -> None:
    """The sheet of components is for builders, not for the public."""
    settings: Settings = app.config["SETTINGS"]
    if not settings.production:
        app.register_blueprint(design)
