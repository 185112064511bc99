"""Following an organization or a topic, signed in or by an address alone, ending it by a link from a mail, and the feeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from urllib.parse import urlencode

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta, get_locale

from app.accounts import throttles
from app.accounts.models import Person
from app.accounts.session import find_current_person
from app.core.cache import public_document
from app.core.clock import now
from app.core.db import transaction
from app.core.errors import InvalidInput, Reason, Refused, refuse
from app.core.feeds import ATOM, JSON, Entry, Feed, write_atom, write_json
from app.core.forms import ProvenForm, show_errors
from app.core.i18n import _
from app.core.paging import EPOCH
from app.core.places import main_zone
from app.core.tokens import unseal
from app.core.web import ProvenBlueprint, allow, flash_undo, public, settings
from app.discovery import feeds, operations, queries
from app.discovery.forms import AddressForm, FollowForm, FrequencyForm
from app.discovery.models import Follow, Follower, FollowRequest
from app.discovery.policy import is_own_follow, reasons_not_to_follow
from app.discovery.subjects import Subject, subject_of
from app.needs.filters import NeedFilters, parse
from app.organizations.queries import find_organization, find_remaining
from app.signups.calendar import shifts_calendar

follows = Blueprint("follows", __name__)
# Pages that a link in a mail opens, and the buttons that mail programs press without a session (RFC 8058).
follow_by_link = ProvenBlueprint("follow_by_link", __name__)
public_feeds = Blueprint("feeds", __name__)
BLUEPRINTS = (follows, follow_by_link, public_feeds)


def _find_organization(slug: str) -> Subject | None:
    return queries.find_public_subject("organization", slug)


def _find_topic(slug: str) -> Subject | None:
    return queries.find_public_subject("topic", slug)


@follows.route("/follow/organizations/<slug>", methods=["GET", "POST"])
@public(load=_find_organization)
def organization(subject: Subject) -> ResponseReturnValue:
    """Follow an organization: what will come, how often, and how it stops."""
    return _follow_page(subject)


@follows.route("/follow/topics/<slug>", methods=["GET", "POST"])
@public(load=_find_topic)
def topic(subject: Subject) -> ResponseReturnValue:
    """Follow a topic."""
    return _follow_page(subject)


def _find_fundraiser(slug: str) -> Subject | None:
    return queries.find_public_subject("fundraiser", slug)


@follows.route("/follow/fundraisers/<slug>", methods=["GET", "POST"])
@public(load=_find_fundraiser)
def fundraiser(subject: Subject) -> ResponseReturnValue:
    """Follow a fundraiser; when it ends, its organization."""
    return _follow_page(subject)


def _follow_page(subject: Subject) -> ResponseReturnValue:
    person = find_current_person()
    return _for_person(person, subject) if person is not None else _for_address(subject)


def _for_person(person: Person, subject: Subject) -> ResponseReturnValue:
    """One click: their address is proved."""
    following = queries.find_follow_of(person, subject)
    form = FrequencyForm(data={"frequency": following.frequency if following is not None else "weekly"})
    reasons = reasons_not_to_follow(person)
    if form.validate_on_submit():
        try:
            with transaction():
                made = operations.follow(person.id, subject, frequency=form.frequency.data, zone=_zone(subject))
        except Refused as refused:
            reasons = refused.reasons
        else:
            if following is None:
                undo = url_for("follows.stop", follow_id=made.id)
                flash_undo(_("You follow %(name)s.", name=subject.name), undo, post=True)
            else:
                flash(_("Your choice is saved."), "done")
            return redirect(subject.path, code=303)
    status = 409 if request.method == "POST" and not form.errors else 422 if form.errors else 200
    return _render_follow(subject, form, reasons, status, following=following, person=person)


def _for_address(subject: Subject) -> ResponseReturnValue:
    """A link to the address that is typed; the answer is the same whether it has an account or follows already."""
    form = FollowForm()
    reasons: list[Reason] = []
    if form.validate_on_submit():
        try:
            _refuse_throttled(form.email.data or "")
            with transaction():
                asked = operations.ask_to_follow(
                    subject, email=form.email.data or "", frequency=form.frequency.data, locale=str(get_locale())
                )
                token = operations.page_token(asked)
        except InvalidInput as invalid:
            show_errors(form, invalid)
        except Refused as refused:
            reasons = refused.reasons
        else:
            return redirect(url_for("follow_by_link.asked", request_token=token), code=303)
    return _render_follow(subject, form, reasons, 422 if form.errors else 409 if reasons else 200)


def _render_follow(
    subject: Subject,
    form: FrequencyForm,
    reasons: list[Reason],
    status: int,
    *,
    following: Follow | None = None,
    person: Person | None = None,
) -> ResponseReturnValue:
    page = render_template(
        "discovery/follow.html", subject=subject, form=form, reasons=reasons, following=following, person=person
    )
    return page, status, {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


def _zone(subject: Subject) -> str:
    """Whose morning it is where no profile says it: the organization's, else that of the platform's country."""
    return subject.zone or main_zone(settings().default_country)


def _refuse_throttled(email: str) -> None:
    """Raise Refused when this address from here, or this network, asked too often. Counted whatever follows."""
    with transaction():
        wait = throttles.count_about("follow", email)
    if wait is not None:
        raise refuse("too_often", _("That was too often. Try again in %(time)s.", time=format_timedelta(wait)))


@follows.post("/my-help/follows/<id:follow_id>/stop")
@allow(is_own_follow, load=queries.find_follow)
def stop(follow: Follow) -> ResponseReturnValue:
    """No more of this one."""
    with transaction():
        operations.stop(follow.id)
    undo = url_for("follows.resume", follow_id=follow.id)
    flash_undo(_("You do not follow %(name)s any more.", name=_name_of(follow)), undo, post=True)
    return redirect(url_for("pages.my_help") + "#follows", code=303)


@follows.post("/my-help/follows/<id:follow_id>/resume")
@allow(is_own_follow, load=queries.find_follow)
def resume(follow: Follow) -> ResponseReturnValue:
    """Follow it again, as before."""
    with transaction():
        operations.take_up_again(follow.id)
    flash(_("You follow %(name)s.", name=_name_of(follow)), "done")
    return redirect(url_for("pages.my_help") + "#follows", code=303)


def _name_of(follow: Follow) -> str:
    """What it is called while the public may see it (N1)."""
    subject = subject_of(follow)
    return subject.name if subject.is_public else _("an organization that is not shown at the moment")


# --- by a link, without a session -------------------------------------------------------------------------------------


def _find_asked(request_token: str) -> FollowRequest | str:
    return queries.find_request(request_token, "follow-asked") or request_token


@follow_by_link.get("/follow/asked/<request_token>")
@public(load=_find_asked)
def asked(found: FollowRequest | str) -> ResponseReturnValue:
    """What happens next: the mail, and what to do about a slip in the address."""
    return _gone() if isinstance(found, str) else _asked_page(found, AddressForm())


def _asked_page(
    found: FollowRequest, form: AddressForm, reasons: list[Reason] | None = None, status: int = 200
) -> ResponseReturnValue:
    page = render_template(
        "discovery/asked.html",
        asked=found,
        subject=subject_of(found),
        form=form,
        reasons=reasons or [],
        token=operations.page_token(found),
        waiting=queries.is_waiting(found),
        sent=request.args.get("sent") == "again",
        days=operations.REQUEST_LIFETIME.days,
    )
    return page, status


@follow_by_link.post("/follow/asked/<request_token>/again")
@public(load=_find_asked)
def send_again(found: FollowRequest | str) -> ResponseReturnValue:
    """The mail once more."""
    if isinstance(found, str):
        return _gone()
    try:
        _refuse_throttled(found.email)
        with transaction():
            operations.send_again(found.id)
    except Refused as refused:
        return _asked_page(found, AddressForm(formdata=None), refused.reasons, 409)
    token = operations.page_token(found)
    return redirect(url_for("follow_by_link.asked", request_token=token, sent="again"), code=303)


@follow_by_link.post("/follow/asked/<request_token>/address")
@public(load=_find_asked)
def correct_address(found: FollowRequest | str) -> ResponseReturnValue:
    """The same for the right address."""
    if isinstance(found, str):
        return _gone()
    form = AddressForm()
    if not form.validate():
        return _asked_page(found, form, status=422)
    try:
        _refuse_throttled(form.email.data or "")
        with transaction():
            token = operations.page_token(operations.correct_address(found.id, form.email.data or ""))
    except InvalidInput as invalid:
        show_errors(form, invalid)
        return _asked_page(found, form, status=422)
    except Refused as refused:
        return _asked_page(found, form, refused.reasons, 409)
    return redirect(url_for("follow_by_link.asked", request_token=token), code=303)


def _find_to_confirm(follow_token: str) -> FollowRequest | str:
    return queries.find_request(follow_token, "follow-confirm") or follow_token


@follow_by_link.route("/follow/confirm/<follow_token>", methods=["GET", "POST"])
@public(load=_find_to_confirm)
def confirm(found: FollowRequest | str) -> ResponseReturnValue:
    """The link in the mail: one button, because mail scanners follow links but do not press buttons."""
    if isinstance(found, str):
        return _gone()
    reasons: list[Reason] = []
    subject = subject_of(found)
    if request.method == "POST":
        try:
            with transaction():
                operations.confirm(found.id, zone=_zone(subject))
        except Refused as refused:
            reasons = refused.reasons
        else:
            found = _refreshed(found)
    confirmed = found.follow if found.status == "confirmed" else None
    if not reasons and confirmed is None and not (queries.is_waiting(found) and subject.is_public):
        return _gone()
    page = render_template(
        "discovery/confirm.html",
        form=ProvenForm(),
        subject=subject,
        follow=confirmed,
        # Who stopped meanwhile is not told that mail comes.
        following=confirmed is not None and confirmed.status == "following",
        weekly=found.frequency == "weekly",
        stop_url=_stop_one_path(confirmed) if confirmed is not None else "",
        reasons=reasons,
    )
    return page, 409 if reasons else 200


def _refreshed(found: FollowRequest) -> FollowRequest:
    again = queries.find_request(operations.confirm_token(found), "follow-confirm")
    return found if again is None else again


def _stop_one_path(follow: Follow) -> str:
    return url_for("follow_by_link.stop_one", one_token=operations.stop_one_token(follow))


def _gone() -> ResponseReturnValue:
    return render_template("discovery/gone.html"), 410


@dataclasses.dataclass(frozen=True)
class Stop:
    """What a link from a mail ends: one follow, or everything an address follows; neither once that is forgotten. `is_dead`:
    the follower has another address now."""

    token: str
    follow: Follow | None = None
    follower: Follower | None = None
    is_dead: bool = False


def _find_stop_one(one_token: str) -> Stop | None:
    values = unseal("follow-stop-one", one_token)
    if values is None or len(values) != 2:
        return None
    follow = queries.find_follow(values[0])
    is_dead = follow is not None and not operations.is_of_address(follow.follower, values[1])
    return Stop(one_token, follow=follow, is_dead=is_dead)


def _find_stop_all(all_token: str) -> Stop | None:
    values = unseal("follow-stop", all_token)
    if values is None or len(values) != 2:
        return None
    follower = queries.find_follower(values[0])
    is_dead = follower is not None and not operations.is_of_address(follower, values[1])
    return Stop(all_token, follower=follower, is_dead=is_dead)


@follow_by_link.route("/follow/stop-one/<one_token>", methods=["GET", "POST"])
@public(load=_find_stop_one)
def stop_one(found: Stop) -> ResponseReturnValue:
    """No more of one organization or topic: a page with one button."""
    if request.method == "POST":
        return _after(found, operations.stop, _find_stop_one)
    return _stop_page(found)


@follow_by_link.post("/follow/stop-one/<one_token>/undo")
@public(load=_find_stop_one)
def undo_stop_one(found: Stop) -> ResponseReturnValue:
    """A slip of the finger: it is followed as before."""
    return _after(found, operations.take_up_again, _find_stop_one)


@follow_by_link.route("/follow/stop/<all_token>", methods=["GET", "POST"])
@public(load=_find_stop_all)
def stop_all(found: Stop) -> ResponseReturnValue:
    """Nothing more of anything the address follows: a page with one button for people, one POST for mail programs (M2)."""
    if request.method == "POST":
        return _after(found, operations.stop_all, _find_stop_all)
    return _stop_page(found)


@follow_by_link.post("/follow/stop/<all_token>/undo")
@public(load=_find_stop_all)
def undo_stop_all(found: Stop) -> ResponseReturnValue:
    """What was stopped together is followed again."""
    return _after(found, operations.undo_stop_all, _find_stop_all)


def _after(found: Stop, act: Callable[[int], object], find: Callable[[str], Stop | None]) -> ResponseReturnValue:
    """The page after `act`; nothing is done about what is forgotten, or by a dead link."""
    row = found.follow or found.follower
    if row is not None and not found.is_dead:
        with transaction():
            act(row.id)
    return _stop_page(find(found.token) or found)


def _stop_page(found: Stop) -> ResponseReturnValue:
    if found.is_dead:
        return _gone()
    follow, follower = found.follow, found.follower
    if follow is not None:
        name, still = _name_of(follow), follow.status == "following"
        act = url_for("follow_by_link.stop_one", one_token=found.token)
        undo = url_for("follow_by_link.undo_stop_one", one_token=found.token)
    else:
        name, still = "", follower is not None and queries.count_following(follower.id) > 0
        act = url_for("follow_by_link.stop_all", all_token=found.token)
        undo = url_for("follow_by_link.undo_stop_all", all_token=found.token)
    return render_template(
        "discovery/stop.html",
        form=ProvenForm(),
        name=name,
        still=still,
        act_url=act,
        undo_url=undo if follow is not None or follower is not None else "",
    )


# --- feeds ------------------------------------------------------------------------------------------------------------


def _find_fed(slug: str) -> Subject | None:
    """The organization of the feed; a duplicate's feed leads to that of what it is part of."""
    found = find_organization(slug)
    return None if found is None else _find_organization(find_remaining(found).slug)


@public_feeds.get("/organizations/<slug>/needs.atom")
@public(load=_find_fed)
def organization_atom(subject: Subject) -> Response:
    """The open needs of an organization as Atom."""
    return _atom(subject)


@public_feeds.get("/organizations/<slug>/needs.json")
@public(load=_find_fed)
def organization_json(subject: Subject) -> Response:
    """The same as JSON Feed."""
    return _json(subject)


@public_feeds.get("/learn/topics/<slug>.atom")
@public(load=_find_topic)
def topic_atom(subject: Subject) -> Response:
    """What can be learned about a topic, as Atom; what was withdrawn says so."""
    return _atom(subject)


@public_feeds.get("/learn/topics/<slug>.json")
@public(load=_find_topic)
def topic_json(subject: Subject) -> Response:
    """The same as JSON Feed."""
    return _json(subject)


def _atom(subject: Subject) -> Response:
    return _fed(subject, write_atom, f"{ATOM}; charset=utf-8")


def _json(subject: Subject) -> Response:
    return _fed(subject, write_json, JSON)


def _fed(subject: Subject, write: Callable[[Feed, list[Entry]], str], content_type: str) -> Response:
    changed = feeds.last_changed(subject)

    def make() -> str:
        about = feeds.feed_of(subject, base_url=settings().base_url, language=_language(), changed=changed)
        return write(about, feeds.list_entries(subject))

    # What was withdrawn of a topic must not be read a second longer (L1).
    return public_document(make, content_type, changed, proxies=subject.kind == "organization")


def _language() -> str:
    return str(get_locale()).replace("_", "-")


@public_feeds.get("/needs.atom")
@public
def needs_atom() -> Response:
    """What `/needs` finds for the same filters, as Atom; the newest first where no order is asked for."""

    def make(filters: NeedFilters) -> str:
        entries = feeds.list_found(filters)
        changed = max((entry.updated_at for entry in entries), default=EPOCH)
        query = f"?{urlencode(list(request.args.items(multi=True)))}" if request.args else ""
        about = Feed(
            "/needs", f"/needs{query}", _("Needs"), settings().platform_name, changed, settings().base_url, _language(),
            query,
        )  # fmt: skip
        return write_atom(about, entries)

    return _found_needs(make, f"{ATOM}; charset=utf-8", "newest")


@public_feeds.get("/needs.ics")
@public
def needs_calendar() -> Response:
    """The shifts of what `/needs` finds for the same filters, as a calendar to subscribe to."""

    def make(filters: NeedFilters) -> str:
        site = settings()
        name = _("%(site)s: needs", site=site.platform_name)
        shifts = feeds.list_found_shifts(filters, now())
        return shifts_calendar(shifts, name=name, base_url=site.base_url, sender=site.mail_from).decode()

    return _found_needs(make, "text/calendar; charset=utf-8", "soonest")


def _found_needs(make: Callable[[NeedFilters], str], content_type: str, sort: str) -> Response:
    """The answer, in the order `sort` where none is asked for. A filter that cannot be read is told and not left out: a
    program would take a list of everything for what it asked for."""
    filters, errors = parse(request.args.getlist, settings().default_country)
    if errors:
        text = "\n".join(f"{name}: {message}" for name, message in errors.items())
        return Response(text + "\n", 422, content_type="text/plain; charset=utf-8")
    if not request.args.get("sort"):
        filters = dataclasses.replace(filters, sort=sort)
    # Without a date: what is soon changes with the clock. An ETag tells what changed.
    return public_document(lambda: make(filters), content_type, now())
