"""Pages of fundraisers: the list, one page, starting and changing one, and the staff's decisions."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app.accounts.session import current_person, find_current_person
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused
from app.core.forms import show_errors, show_reasons
from app.core.i18n import _
from app.core.ids import decode_id
from app.core.markdown import render_markdown
from app.core.money import BadAmount, Money, explain, format_plain, parse_money
from app.core.web import allow, public, signed_in
from app.donations import money_queries as money
from app.donations import page_parts
from app.donations import queries as gifts
from app.donations.accounts import can_take_gifts, find_that_take_gifts, is_out_of_reach
from app.donations.box import box_of
from app.fundraisers import operations, policy, queries
from app.fundraisers.amount_views import amounts
from app.fundraisers.beginnings import BEGINNINGS, begin, find_beginning
from app.fundraisers.forms import ApprovalForm, DeclineForm, FundraiserForm, OutcomeForm, OverflowForm
from app.fundraisers.models import Fundraiser
from app.needs.models import Need
from app.needs.queries import find_visible_need
from app.organizations.models import Organization
from app.organizations.policy import can_manage_listings, can_see_staff_pages
from app.organizations.queries import find_organization, find_public_remaining

fundraisers = Blueprint("fundraisers", __name__)


@fundraisers.get("/fundraisers")
@public
def index() -> ResponseReturnValue:
    """Fundraisers that take gifts, newest first."""
    page = queries.list_public_fundraisers(request.args.get("cursor"))
    totals = gifts.totals([row.id for row in page.rows])
    return render_template("fundraisers/index.html", page=page, totals=totals, standing_of=page_parts.standing_of)


def _load_page(slug: str) -> queries.PublicFundraiser | None:
    """The page while it is public; before that, for its starter and the organization's staff."""
    page = queries.find_public_fundraiser(slug)
    if page is not None or find_current_person() is None:
        return page
    fundraiser = queries.find_fundraiser(slug)
    if fundraiser is None or not policy.can_see(find_current_person(), fundraiser):
        return None
    return queries.find_page(slug)


@fundraisers.get("/fundraisers/<slug>")
@public(load=_load_page)
def show(page: queries.PublicFundraiser) -> ResponseReturnValue:
    """One fundraiser: where it stands, its story, who gave (F9)."""
    viewer = find_current_person()
    fundraiser = None if viewer is None else queries.find_fundraiser(page.slug)
    raised = gifts.totals([page.id])[page.id]
    parts = page_parts.parts_of(page.id, raised)
    is_starter = viewer is not None and fundraiser is not None and fundraiser.started_by_id == viewer.id
    takes_gifts = bool(find_that_take_gifts([page.organization_id]))
    donations = gifts.list_public_donations(page.id, request.args.get("cursor"), to_starter=is_starter)
    return render_template(
        "fundraisers/show.html",
        page=page,
        story=render_markdown(page.story),
        totals=raised,
        parts=parts,
        news=[render_markdown(update.body) for update in parts.updates],
        may_tend=viewer is not None and fundraiser is not None and policy.can_tend(viewer, fundraiser),
        may_moderate=viewer is not None and fundraiser is not None and policy.can_look_after_words(viewer, fundraiser),
        may_post=viewer is not None and fundraiser is not None and policy.can_post_update(viewer, fundraiser),
        may_leave=viewer is not None and fundraiser is not None and policy.can_leave(viewer, fundraiser),
        donations=donations,
        outcome=render_markdown(page.outcome) if page.outcome else None,
        takes_gifts=takes_gifts,
        is_out_of_reach=not takes_gifts and is_out_of_reach(parts.fundraiser.organization),
        box=box_of(parts.fundraiser) if takes_gifts and not page.has_ended else None,
        declined_reason=fundraiser.declined_reason if fundraiser is not None else "",
        is_suspended=fundraiser is not None and fundraiser.organization.status != "active",
        is_preview=page.status not in policy.SHOWN or (fundraiser is not None and not policy.is_visible(fundraiser)),
        may_edit=viewer is not None and fundraiser is not None and policy.can_edit(viewer, fundraiser),
        may_end=viewer is not None and fundraiser is not None and policy.can_end(viewer, fundraiser),
        may_suggest=viewer is not None and fundraiser is not None and policy.can_suggest_amounts(viewer, fundraiser),
        may_say_outcome=viewer is not None and fundraiser is not None and policy.can_say_outcome(viewer, fundraiser),
    )


MOST_PAYOUTS = 50


@fundraisers.get("/fundraisers/<slug>/payouts")
@public(load=_load_page)
def payouts(page: queries.PublicFundraiser) -> ResponseReturnValue:
    """When what was given came to the organization's bank: days and sums, for everybody. Nobody's gift and nobody's account
    can be read from it."""
    trail = money.list_payouts_of_fundraiser(page.id, limit=MOST_PAYOUTS)
    return render_template(
        "fundraisers/payouts.html",
        page=page,
        trail=trail,
        most=MOST_PAYOUTS,
        is_team=page_parts.is_team(page.id),
    )


def _read_goal(form: FundraiserForm, currency: str, locale: str) -> Money | None:
    """The goal typed, 0 where people alone are counted; None with the message put at its field."""
    if not form.goal.data:
        return Money(0, currency) if form.goal_kind.data == "donors" else None
    try:
        return parse_money(form.goal.data, currency, locale)
    except BadAmount as bad:
        too_large = _("Set a smaller goal")
        form.goal.errors = [*form.goal.errors, too_large if bad.code == "too_large" else explain(bad, currency, locale)]
        return None


def _chosen() -> tuple[Organization | None, Need | None]:
    """What ?organization= and ?need= name, as far as the public may see it. A need alone names its organization."""
    need_key = decode_id(request.args.get("need", ""))
    need = None if need_key is None else find_visible_need(need_key)
    slug = request.args.get("organization", "")
    organization = find_public_remaining(slug) if slug else (need.organization if need is not None else None)
    if need is not None and organization is not None and need.organization_id != organization.id:
        need = None
    return organization, need


def _chosen_team(organization: Organization) -> Fundraiser | None:
    """The team's page that ?team= names, as long as somebody may join it. 404 for any other."""
    slug = request.args.get("team", "")
    found = queries.find_fundraiser(slug) if slug else None
    if slug and (found is None or not found.is_team or found.organization_id != organization.id):
        abort(404)
    return found if found is not None and policy.accepts_gifts(found) else None


def _new_form(organization: Organization, team: Fundraiser | None) -> FundraiserForm:
    """The form, begun with what ?template= names, or as a page of the team."""
    beginning = find_beginning(request.args.get("template", ""))
    if beginning is not None and team is None:
        begun = begin(beginning, organization)
        return FundraiserForm(
            data={
                "title": begun.title,
                "story": begun.story,
                "is_team": beginning.is_team,
                "goal": format_plain(begun.goal, str(get_locale())),
            }
        )
    return FundraiserForm()


def _read_counted(form: FundraiserForm, currency: str, locale: str) -> operations.Counted | None:
    """What the goal counts; None with the message put at its field."""
    kind = form.goal_kind.data or "money"
    if kind == "donors":
        typed = form.goal_donors.data or ""
        return operations.Counted("donors", donors=int(typed) if typed.isdecimal() and len(typed) < 8 else None)
    if kind != "items":
        return operations.MONEY
    try:
        price = parse_money(form.item_price.data or "", currency, locale)
    except BadAmount as bad:
        form.item_price.errors = [*form.item_price.errors, explain(bad, currency, locale)]
        return None
    return operations.Counted("items", item_name=form.item_name.data or "", item_minor=price.amount_minor)


@fundraisers.route("/fundraisers/new", methods=["GET", "POST"])
@signed_in
def new() -> ResponseReturnValue:
    """Start a fundraiser for an organization, or for one of its needs."""
    organization, need = _chosen()
    asked = request.args.get("organization") or request.args.get("need")
    if organization is None:
        if asked:
            abort(404)
        return render_template("fundraisers/choose.html")
    team = _chosen_team(organization)
    form, locale = _new_form(organization, team), str(get_locale())
    is_staff = can_manage_listings(current_person(), organization)
    values = {
        "form": form, "organization": organization, "need": need, "team": team, "is_staff": is_staff,
        "beginnings": BEGINNINGS, "is_out_of_reach": is_out_of_reach(organization),
    }  # fmt: skip
    if request.method == "GET":
        if reasons := operations.reasons_not_to_start(current_person(), organization, need):
            raise Refused(reasons)
        return render_template("fundraisers/new.html", **values)
    is_valid = form.validate()
    goal = _read_goal(form, organization.currency, locale)
    counted = _read_counted(form, organization.currency, locale)
    if not is_valid or goal is None or counted is None:
        return render_template("fundraisers/new.html", **values), 422
    try:
        with transaction():
            started = operations.start_fundraiser(
                organization.id,
                by=current_person(),
                title=form.title.data or "",
                story=form.story.data or "",
                goal=goal,
                ends_on=form.ends_on.data,
                need_id=None if need is None else need.id,
                show_starter=form.show_starter.data,
                counted=counted,
                by_organization=is_staff and bool(form.by_organization.data),
                is_team=bool(form.is_team.data),
                team_id=None if team is None else team.id,
                leaderboard=bool(form.leaderboard.data),
                locale=locale,
            )
            slug, is_live = started.slug, started.status == "live"
    except InvalidInput as invalid:
        show_errors(form, invalid)
        return render_template("fundraisers/new.html", **values), 422
    except Refused as refused:
        show_reasons(form, refused)
        return render_template("fundraisers/new.html", **values), 409
    if is_live:
        flash(_("Your fundraiser is live"))
    else:
        flash(_("Your fundraiser waits for approval: we write to you when it is decided"))
    return redirect(url_for("fundraisers.show", slug=slug), code=303)


@fundraisers.route("/fundraisers/<slug>/edit", methods=["GET", "POST"])
@allow(policy.can_edit, load=queries.find_fundraiser)
def edit(fundraiser: Fundraiser) -> ResponseReturnValue:
    """Change title, story, goal, last day."""
    locale, currency = str(get_locale()), fundraiser.currency
    goal_now = Money(fundraiser.goal_minor, currency)
    form = FundraiserForm(obj=fundraiser, goal=format_plain(goal_now, locale))
    if request.method == "GET":
        form.goal.data = format_plain(goal_now, locale) if goal_now.amount_minor else ""
        form.goal_donors.data = str(fundraiser.goal_donors or "")
        item = fundraiser.item_minor
        form.item_price.data = "" if item is None else format_plain(Money(item, currency), locale)
        return render_template("fundraisers/edit.html", form=form, fundraiser=fundraiser)
    is_valid = form.validate()
    goal = _read_goal(form, currency, locale)
    counted = _read_counted(form, currency, locale)
    if not is_valid or goal is None or counted is None:
        return render_template("fundraisers/edit.html", form=form, fundraiser=fundraiser), 422
    slug, asks_again = fundraiser.slug, fundraiser.status == "declined"
    try:
        with transaction():
            operations.edit_fundraiser(
                fundraiser.id,
                by=current_person(),
                title=form.title.data or "",
                story=form.story.data or "",
                goal=goal,
                ends_on=form.ends_on.data,
                show_starter=form.show_starter.data,
                counted=counted,
                leaderboard=bool(form.leaderboard.data),
                locale=locale,
            )
    except InvalidInput as invalid:
        show_errors(form, invalid)
        return render_template("fundraisers/edit.html", form=form, fundraiser=fundraiser), 422
    except Refused as refused:
        show_reasons(form, refused)
        return render_template("fundraisers/edit.html", form=form, fundraiser=fundraiser), 409
    flash(_("Your fundraiser waits for approval: we write to you when it is decided") if asks_again else _("Saved"))
    return redirect(url_for("fundraisers.show", slug=slug), code=303)


@fundraisers.route("/fundraisers/<slug>/end", methods=["GET", "POST"])
@allow(policy.can_end, load=queries.find_fundraiser)
def end(fundraiser: Fundraiser) -> ResponseReturnValue:
    """Ask, then take no more gifts."""
    form = OutcomeForm(obj=fundraiser)
    if request.method == "GET" or not form.validate():
        code = 200 if request.method == "GET" else 422
        return render_template("fundraisers/end.html", fundraiser=fundraiser, form=form), code
    slug = fundraiser.slug
    with transaction():
        operations.end_fundraiser(fundraiser.id, by=current_person(), outcome=form.outcome.data or "")
    flash(_("The fundraiser has ended"))
    return redirect(url_for("fundraisers.show", slug=slug), code=303)


@fundraisers.route("/fundraisers/<slug>/outcome", methods=["GET", "POST"])
@allow(policy.can_say_outcome, load=queries.find_fundraiser)
def outcome(fundraiser: Fundraiser) -> ResponseReturnValue:
    """Thank everybody on a page that is over, and say what came of the money."""
    form = OutcomeForm(obj=fundraiser)
    if request.method == "GET" or not form.validate():
        code = 200 if request.method == "GET" else 422
        return render_template("fundraisers/outcome.html", fundraiser=fundraiser, form=form), code
    slug = fundraiser.slug
    with transaction():
        operations.say_outcome(fundraiser.id, by=current_person(), outcome=form.outcome.data or "")
    flash(_("Saved"))
    return redirect(url_for("fundraisers.show", slug=slug), code=303)


# --- staff --------------------------------------------------------------------------------------------------------


@fundraisers.get("/manage/<slug>/fundraisers")
@allow(can_see_staff_pages, load=find_organization)
def manage(organization: Organization) -> ResponseReturnValue:
    """Every fundraiser of the organization: those that wait first."""
    rows = queries.list_fundraisers_of(organization.id)
    return render_template(
        "fundraisers/manage.html",
        organization=organization,
        fundraisers=rows,
        totals=gifts.totals([row.id for row in rows]),
        may_decide=can_manage_listings(current_person(), organization),
        takes_gifts=can_take_gifts(organization),
        is_out_of_reach=is_out_of_reach(organization),
        form=ApprovalForm(auto_approve=organization.auto_approve_fundraisers),
        overflow=OverflowForm(overflow_rule=organization.overflow_rule),
    )


@fundraisers.post("/manage/<slug>/fundraisers/approval")
@allow(can_manage_listings, load=find_organization)
def set_approval(organization: Organization) -> ResponseReturnValue:
    """Whether new pages are public at once."""
    form, slug = ApprovalForm(), organization.slug
    with transaction():
        operations.set_auto_approval(organization.id, by=current_person(), on=bool(form.auto_approve.data))
    flash(_("Saved"))
    return redirect(url_for("fundraisers.manage", slug=slug), code=303)


def _load_of(slug: str, fundraiser: str) -> Fundraiser | None:
    return queries.find_fundraiser_of(slug, fundraiser)


def _review_page(fundraiser: Fundraiser, form: DeclineForm, code: int = 200) -> ResponseReturnValue:
    donations = gifts.list_staff_donations(fundraiser.id, request.args.get("cursor"), limit=50)
    raised = gifts.totals([fundraiser.id])[fundraiser.id]
    values: dict[str, Any] = {
        "fundraiser": fundraiser,
        "organization": fundraiser.organization,
        "story": render_markdown(fundraiser.story),
        "totals": raised,
        "standing": page_parts.standing_of(fundraiser, raised),
        "goal_money": Money(fundraiser.goal_minor, fundraiser.currency),
        "donations": donations,
        "form": form,
        "may_end": policy.can_end(current_person(), fundraiser),
        "may_suggest": policy.can_suggest_amounts(current_person(), fundraiser),
        "trail": money.list_payouts_of_fundraiser(fundraiser.id),
    }
    return render_template("fundraisers/review.html", **values), code


@fundraisers.get("/manage/<slug>/fundraisers/<fundraiser>")
@allow(policy.can_decide, load=_load_of)
def review(fundraiser: Fundraiser) -> ResponseReturnValue:
    """Read a page, decide about it, and see who gave."""
    return _review_page(fundraiser, DeclineForm(formdata=None))


@fundraisers.post("/manage/<slug>/fundraisers/<fundraiser>/approve")
@allow(policy.can_decide, load=_load_of)
def approve(fundraiser: Fundraiser) -> ResponseReturnValue:
    """Let everybody see it (F8)."""
    address = url_for("fundraisers.review", slug=fundraiser.organization.slug, fundraiser=fundraiser.slug)
    was_live = fundraiser.status == "live"
    with transaction():
        operations.approve_fundraiser(fundraiser.id, by=current_person())
    flash(_("Noted that you read it") if was_live else _("Approved: everybody can see the page now"))
    return redirect(address, code=303)


@fundraisers.post("/manage/<slug>/fundraisers/<fundraiser>/decline")
@allow(policy.can_decide, load=_load_of)
def decline(fundraiser: Fundraiser) -> ResponseReturnValue:
    """Let nobody see it, and say why."""
    form = DeclineForm()
    if not form.validate():
        return _review_page(fundraiser, form, 422)
    address = url_for("fundraisers.review", slug=fundraiser.organization.slug, fundraiser=fundraiser.slug)
    with transaction():
        operations.decline_fundraiser(fundraiser.id, by=current_person(), reason=form.reason.data or "")
    flash(_("Declined: nobody else sees the page"))
    return redirect(address, code=303)


BLUEPRINTS = (fundraisers, amounts)
