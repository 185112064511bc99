"""Pages of accounts: register, sign in and out, links by mail, profile."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta, get_locale

from app.accounts import operations, passwords, queries, throttles
from app.accounts.availability import PART_NAMES, week
from app.accounts.forms import (
    ChangePasswordForm,
    ConfirmForm,
    EmailForm,
    NewPasswordForm,
    ProfileForm,
    RegisterForm,
    SignInForm,
)
from app.accounts.models import Person
from app.accounts.policy import is_known_minor
from app.accounts.session import (
    current_person,
    end_session,
    find_current_person,
    find_mark,
    keep_mark,
    open_session,
)
from app.accounts.skills import skills_by_category
from app.accounts.under_age import keep_no_other
from app.core import web
from app.core.db import transaction
from app.core.errors import InvalidInput, Refused
from app.core.forms import PageForm, show_errors
from app.core.i18n import _
from app.core.web import public, safe_next, signed_in
from app.organizations.queries import list_organizations_of
from app.organizations.roles import ROLE_WORDS

accounts = Blueprint("accounts", __name__)
BLUEPRINTS = (accounts,)


def _is_throttled(action: str, email: str) -> dt.timedelta | None:
    """Count a try about the account of `email`; how long to wait when it was one too many. Committed whatever follows."""
    with transaction():
        return throttles.count_about(action, email)


def _too_often(form: PageForm, template: str, wait: dt.timedelta, **values: Any) -> ResponseReturnValue:
    field = next(iter(form))
    field.errors = [*field.errors, _("That was too often. Try again in %(time)s.", time=format_timedelta(wait))]
    return render_template(template, form=form, **values), 429, {"Retry-After": str(int(wait.total_seconds()))}


def _next() -> str:
    return safe_next(request.args.get("next"), url_for("pages.my_help"))


def _way() -> str:
    """The page they came from, when they came from one: a link by mail leads back to it."""
    return safe_next(request.args.get("next"), "")


def _begun() -> dict[str, Any]:
    """What they typed about themselves into the form that they come from: they need not type it again."""
    typed = web.find_begun(urlsplit(_way()).path)
    if typed is None:
        return {}
    born: dt.date | None = None
    with contextlib.suppress(ValueError):
        born = dt.date.fromisoformat(typed.get("birth_date", ""))
    return {"name": typed.get("name"), "email": typed.get("email"), "birth_date": born}


def _find_verify_link(token: str) -> str | None:
    return token if queries.find_link(token, "verify_email") else ""


@dataclasses.dataclass(frozen=True)
class _ResetLink:
    """A link to choose a password; without a token when it cannot be used. `is_first`: its person has none yet."""

    token: str = ""
    is_first: bool = False


def _find_reset_link(token: str) -> _ResetLink:
    link = queries.find_link(token, "reset_password")
    person = None if link is None else queries.find_person(link.person_id)
    return _ResetLink() if person is None else _ResetLink(token, person.password_hash is None)


def _find_sign_in_link(token: str) -> str | None:
    return token if queries.find_link(token, "sign_in") else ""


def _find_email_change(token: str) -> str | None:
    return token if queries.find_email_change(token) else ""


@accounts.route("/register", methods=["GET", "POST"])
@public
def register() -> ResponseReturnValue:
    """A new account. What comes back is the same whether the address has one already."""
    if find_current_person() is not None:
        return redirect(_next(), code=303)
    form = RegisterForm(data=_begun())
    if request.form.get("look"):
        # While it is filled in: what is wrong with the fields themselves; nothing is kept, asked for or counted.
        _look(form)
        return render_template("accounts/register.html", form=form, next=_next())
    if form.validate_on_submit():
        try:
            # Before anything is counted or kept: of a child nothing is (G4).
            operations.check_birth_date(form.birth_date.data)
            wait = _is_throttled("register", form.email.data or "")
            if wait is not None:
                return _too_often(form, "accounts/register.html", wait, next=_next())
            with transaction():
                mark = operations.register_person(
                    email=form.email.data or "",
                    name=form.name.data or "",
                    password=form.password.data or "",
                    birth_date=form.birth_date.data,
                    locale=str(get_locale()),
                    way=_way(),
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
            if "birth_date" in invalid.errors:  # nor is anything left in the browser of what a child began
                web.forget_begun()
        else:
            keep_mark(mark)
            return redirect(url_for("accounts.registered", next=_way() or None), code=303)
    return render_template("accounts/register.html", form=form, next=_next()), 422 if form.errors else 200


def _look(form: RegisterForm) -> None:
    """What is wrong with what was typed so far. Of an age nothing is said before it is sent: no child is taught here
    which date would do (G4)."""
    form.validate()
    password = form.password.data or ""
    if password and not form.password.errors:
        problem = passwords.problem_with(password, form.email.data or "")
        form.password.errors = [problem] if problem else []


@accounts.get("/registered")
@public
def registered() -> ResponseReturnValue:
    """What happens next: the mail, and what to do when it does not come."""
    return render_template("accounts/registered.html", next=_way() or None)


@accounts.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Address and password; one message for whatever does not fit."""
    if find_current_person() is not None:
        return redirect(_next(), code=303)
    form = SignInForm(data=_begun())
    if form.validate_on_submit():
        email = form.email.data or ""
        wait = _is_throttled("sign_in", email)
        if wait is not None:
            return _too_often(form, "accounts/sign_in.html", wait, next=_next())
        person = operations.authenticate(email, form.password.data or "")
        if person is not None:
            open_session(person)
            return redirect(_next(), code=303)
        form.email.errors = [_("We do not know this email address with this password")]
    return render_template("accounts/sign_in.html", form=form, next=_next()), 422 if form.errors else 200


@accounts.route("/sign-in/link", methods=["GET", "POST"])
@public
def ask_sign_in_link() -> ResponseReturnValue:
    """Sign in by a link instead of a password; the answer is the same for every address."""
    if find_current_person() is not None:
        return redirect(_next(), code=303)
    form = EmailForm()
    if form.validate_on_submit():
        email = form.email.data or ""
        wait = _is_throttled("link", email)
        if wait is not None:
            return _too_often(form, "accounts/ask_sign_in_link.html", wait, next=_next())
        with transaction():
            operations.request_link(email, "sign_in", way=_way())
        flash(_("If this address has an account, a link is on its way. It works for 30 minutes."), "done")
        return redirect(url_for("accounts.sign_in", next=_next()), code=303)
    return render_template("accounts/ask_sign_in_link.html", form=form, next=_next()), 422 if form.errors else 200


@accounts.route("/sign-in/<token>", methods=["GET", "POST"])
@public(load=_find_sign_in_link)
def sign_in_by_link(token: str) -> ResponseReturnValue:
    """One button; mail scanners follow links, but do not press buttons."""
    form = ConfirmForm()
    if token and form.validate_on_submit():
        try:
            with transaction():
                person = operations.sign_in_by_link(token, mark=find_mark())
        except Refused:
            token = ""
        else:
            open_session(person)
            return redirect(_next(), code=303)
    page = render_template("accounts/sign_in_by_link.html", form=form, usable=bool(token), next=_next())
    return page, 200 if token else 410


@accounts.route("/sign-out", methods=["GET", "POST"])
@public
def sign_out() -> ResponseReturnValue:
    """A page with one button: a link that signs out could be put anywhere."""
    form = ConfirmForm()
    if form.validate_on_submit():
        end_session()
        flash(_("You are signed out."), "done")
        return redirect(url_for("pages.home"), code=303)
    return render_template("accounts/sign_out.html", form=form)


@accounts.route("/verify-email/<token>", methods=["GET", "POST"])
@public(load=_find_verify_link)
def verify_email(token: str) -> ResponseReturnValue:
    """One button; mail scanners follow links, but do not press buttons."""
    form = ConfirmForm()
    if token and form.validate_on_submit():
        here = find_current_person()
        try:
            with transaction():
                person = operations.verify_email(token, by=here, mark=find_mark())
                # Who came in already has a way in; anybody else chooses a password when there is none, or nobody knows whose.
                known = person.password_hash is not None or (here is not None and here.id == person.id)
                link = None if known else operations.make_password_link(person)
        except Refused:
            token = ""
        else:
            if person.is_active:
                open_session(person)
            if link is not None:
                flash(
                    _("Thank you: the address is yours. Choose the password that you sign in with from now on."), "done"
                )
                return redirect(url_for("accounts.reset_password", token=link, next=_way() or None), code=303)
            flash(_("Thank you: the address is yours. You can sign up and pledge now."), "done")
            return redirect(_next(), code=303)
    page = render_template("accounts/verify_email.html", form=form, usable=bool(token), next=_way() or None)
    return page, 200 if token else 410


@accounts.route("/verify-email", methods=["GET", "POST"])
@signed_in
def resend_verification() -> ResponseReturnValue:
    """Send the link again; it leads on to the page they came from."""
    person = current_person()
    form = ConfirmForm()
    if form.validate_on_submit() and not person.is_email_verified:
        wait = _is_throttled("link", person.email)
        if wait is None:
            with transaction():
                operations.request_link(person.email, "verify_email", way=_way())
            flash(_("We sent the link again."), "done")
        else:
            flash(_("That was too often. Try again in %(time)s.", time=format_timedelta(wait)), "problem")
        return redirect(url_for("accounts.resend_verification", next=_way() or None), code=303)
    return render_template("accounts/resend_verification.html", form=form, person=person, next=_way() or None)


@accounts.route("/profile/email", methods=["GET", "POST"])
@signed_in
def ask_email_change() -> ResponseReturnValue:
    """Another address, or a slip in the one that was typed; it is theirs once the link sent to it is followed."""
    person = current_person()
    form = EmailForm()
    if form.validate_on_submit():
        email = form.email.data or ""
        wait = _is_throttled("link", email)
        if wait is not None:
            return _too_often(form, "accounts/ask_email_change.html", wait, person=person, next=_way() or None)
        try:
            with transaction():
                operations.request_email_change(person.id, email, way=_way())
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            flash(_("A link is on its way to the new address. Follow it, and the address is yours."), "done")
            return redirect(_way() or url_for("accounts.profile"), code=303)
    page = render_template("accounts/ask_email_change.html", form=form, person=person, next=_way() or None)
    return page, 422 if form.errors else 200


@accounts.route("/change-email/<token>", methods=["GET", "POST"])
@public(load=_find_email_change)
def change_email(token: str) -> ResponseReturnValue:
    """One button, as for the first address; only for whoever asked for it, signed in."""
    form, here = ConfirmForm(), find_current_person()
    link = queries.find_email_change(token) if token else None
    if link is not None and (here is None or here.id != link.person_id):
        way = request.full_path.rstrip("?")
        return render_template(
            "accounts/change_email.html", form=form, elsewhere=True, signed_in=here is not None, next=way
        )
    if token and here is not None and form.validate_on_submit():
        try:
            with transaction():
                person = operations.change_email(token, by=here)
        except Refused:
            token = ""
        else:
            if person.is_active:
                open_session(person)
            flash(_("Thank you: %(email)s is your address now.", email=person.email), "done")
            return redirect(_next(), code=303)
    page = render_template("accounts/change_email.html", form=form, elsewhere=False, usable=bool(token))
    return page, 200 if token else 410


@accounts.route("/forgotten-password", methods=["GET", "POST"])
@public
def forgotten_password() -> ResponseReturnValue:
    """Ask for a link; the answer is the same for every address."""
    form = EmailForm()
    if form.validate_on_submit():
        email = form.email.data or ""
        wait = _is_throttled("link", email)
        if wait is not None:
            return _too_often(form, "accounts/forgotten_password.html", wait)
        with transaction():
            operations.request_link(email, "reset_password", way=_way())
        flash(_("If this address has an account, a link is on its way. It works for two hours."), "done")
        return redirect(url_for("accounts.sign_in", next=_way() or None), code=303)
    return render_template("accounts/forgotten_password.html", form=form), 422 if form.errors else 200


@accounts.route("/reset-password/<token>", methods=["GET", "POST"])
@public(load=_find_reset_link)
def reset_password(link: _ResetLink) -> ResponseReturnValue:
    """A new password, or the first one of somebody who helped as a guest; every session of the person ends, and one begins here:
    the link showed who they are."""
    token = link.token
    form, status = NewPasswordForm(), 200 if token else 410
    if token and form.validate_on_submit():
        try:
            with transaction():
                person = operations.reset_password(token, form.password.data or "")
        except Refused:  # used a moment ago, in another window
            token, status = "", 410
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            if not person.is_active:
                return redirect(url_for("accounts.sign_in"), code=303)
            open_session(person)
            flash(
                _(
                    "Your password is set, and you are signed in. Every other browser is signed out; the address of your "
                    "calendar and your API tokens, if you had any, do not work any more."
                ),
                "done",
            )
            return redirect(_next(), code=303)
    page = render_template(
        "accounts/reset_password.html", form=form, usable=bool(token), is_first=link.is_first, next=_way() or None
    )
    return page, 422 if token and form.errors else status


@accounts.route("/profile", methods=["GET", "POST"])
@signed_in
def profile() -> ResponseReturnValue:
    """Oneself: name, birth date, place and clock, when one has time, skills."""
    person = current_person()
    form = ProfileForm(obj=_profile_of(person))
    if form.validate_on_submit():
        try:
            with transaction():
                operations.edit_profile(
                    person.id,
                    by=person,
                    name=form.name.data,
                    birth_date=form.birth_date.data,
                    place=form.place.data,
                    time_zone=form.time_zone.data,
                    availability=form.availability.data or [],
                    skills=form.skills.data or [],
                )
        except InvalidInput as invalid:
            keep_no_other(person.id, invalid)
            show_errors(form, invalid)
        else:
            flash(_("Your profile is saved."), "done")
            # Whoever lacked a fact for what they began goes on with it.
            return redirect(_way() or url_for("accounts.profile"), code=303)
    mine = list_organizations_of(person)
    locale = get_locale()
    page = render_template(
        "accounts/profile.html",
        form=form,
        person=person,
        categories=skills_by_category(),
        days=week(locale.first_week_day if locale is not None else 0),
        parts=list(PART_NAMES.values()),
        mine=mine,
        role_words=ROLE_WORDS,
        is_minor=is_known_minor(person),
    )
    return page, 422 if form.errors else 200


class _Shown:
    """A person as the form shows them."""

    def __init__(self, person: Person) -> None:
        self.name, self.birth_date, self.place = person.name, person.birth_date, person.place
        self.time_zone = person.time_zone if person.time_zone_chosen else None
        self.availability = person.availability
        self.skills = [each.skill for each in person.skills]


def _profile_of(person: Person) -> _Shown:
    return _Shown(person)


@accounts.route("/profile/password", methods=["GET", "POST"])
@signed_in
def change_password() -> ResponseReturnValue:
    """A new password; other browsers are signed out, this one stays."""
    person = current_person()
    form = ChangePasswordForm()
    if form.validate_on_submit():
        wait = _is_throttled("sign_in", person.email)
        if wait is not None:
            return _too_often(form, "accounts/change_password.html", wait)
        try:
            with transaction():
                changed = operations.change_password(
                    person.id, current=form.current.data or "", password=form.password.data or ""
                )
        except InvalidInput as invalid:
            show_errors(form, invalid)
        else:
            open_session(changed)
            flash(_("Your password is changed. Other browsers are signed out."), "done")
            return redirect(url_for("accounts.profile"), code=303)
    return render_template("accounts/change_password.html", form=form), 422 if form.errors else 200


@accounts.get("/.well-known/change-password")
@public
def well_known_change_password() -> ResponseReturnValue:
    """Where password managers send people (W3C: a well-known URL for changing passwords)."""
    return redirect(url_for("accounts.change_password"))
