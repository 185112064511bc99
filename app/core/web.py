"""What every route shares: guards (A1), security headers, error pages, the ids in URLs.

Each route says who may call it, with exactly one of `@public`, `@signed_in` and `@allow(...)`; a route that says nothing
does not open. A guard may load the thing the URL names: the view then receives it first. Outsiders get 404 for what
they may not know exists.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar, overload
from urllib.parse import urlencode, urlsplit

from flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import BaseConverter, ValidationError

from app.core import problems, templating
from app.core.errors import InvalidInput, Refused
from app.core.i18n import _
from app.core.ids import decode_id, encode_id
from app.core.paging import BadCursor
from app.core.rights import NotYours, find_refusal
from config import Settings

P = ParamSpec("P")
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
Load = Callable[..., Any]
May = Callable[..., bool]


# How long the session's cookie may become by what a form leaves in it, in bytes: browsers keep 4,096 with name and rest.
MAXIMUM_COOKIE = 3_600
# Nobody types as much as this into what a cookie could hold, however well it packs.
MAXIMUM_TYPED = 16_000
BEGUN = "begun"
# So many bytes of what is too large are read all the same, so that its sender reads why: a camera's picture, not a film.
MAXIMUM_THROWN_AWAY = 64 * 1024 * 1024


# Where a request's environment has its route's pattern: what a server may log of it instead of path and query.
ROUTE = "manyhands.route"
# What somebody at home must not find: kept by no browser, told to no other site (G13).
UNSEEN_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
# What opens by a link alone is for its holder: kept by nobody, told to no other site, in no search engine.
_LINK_PAGE_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}


class ProvenBlueprint(Blueprint):
    """Routes whose callers prove themselves otherwise than by a session (a link from a mail, a signature): there is
    nothing that another site could make them send, so their forms carry no token against forgery."""


class Viewer(Protocol):
    """Whoever is signed in, as far as the ground floor knows them."""

    id: int
    is_email_verified: bool


@dataclasses.dataclass(frozen=True)
class Guard:
    """Who may call a route: everybody, whoever is signed in, or whom `may(viewer[, thing])` allows."""

    kind: str
    may: May | None = None
    load: Load | None = None
    scope: str | None = None


def viewer() -> Any:
    """The signed-in person, or None."""
    return current_user._get_current_object() if current_user.is_authenticated else None


def settings() -> Settings:
    """The installation's settings, for views and jobs."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def _guarded(view: View, guard: Guard) -> View:
    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        person = None
        if guard.kind != "public":
            person = viewer()
            if person is None:
                return _ask_to_sign_in()
            if guard.scope is not None and guard.scope not in g.get("token_scopes", ()):
                abort(403)
        if guard.load is None:
            if guard.may is not None and not guard.may(person):
                abort(404)
            return view(*args, **kwargs)
        thing = guard.load(**kwargs)
        if thing is None:
            abort(404)
        if guard.may is not None and not guard.may(person, thing):
            raise find_refusal(guard.may, person, thing) or NotFound()
        return view(thing)

    guarded.guard = guard  # type: ignore[attr-defined]  # read by guard_of and by the house tests
    return guarded  # type: ignore[return-value]  # same signature as far as Flask is concerned


def _ask_to_sign_in() -> ResponseReturnValue:
    if request.path.startswith("/api/"):
        abort(401)
    if request.method == "POST":
        keep_begun()
    return redirect(f"{url_for('accounts.sign_in')}?{urlencode({'next': way_back()})}", code=303)


def way_back() -> str:
    """The page somebody is on, to come back to after signing in or proving an address: the address itself, or for one that
    is no page (it only takes what a button sends) the page of ours with that button."""
    rule = request.url_rule
    if request.method == "GET" or (rule is not None and "GET" in (rule.methods or ())):
        return request.full_path.rstrip("?")
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc != request.host:
        return "/"
    return safe_next(came_from.path + (f"?{came_from.query}" if came_from.query else ""), "/")


def keep_begun() -> None:
    """Keep what this request sent in the browser's own session, for the form it belongs to: nobody here keeps what
    somebody typed who has no account yet (G4), and never a password. What a cookie has no room for is left out, the longest
    first, and that is said."""
    fields = {
        name: request.form.getlist(name)
        for name in request.form
        if name not in ("csrf_token", "act", "current") and "password" not in name
    }
    sizes = {name: len(json.dumps([name, values])) for name, values in fields.items()}
    left_out = False
    session.pop(BEGUN, None)
    while fields:
        session[BEGUN] = [request.path, fields]
        if sum(sizes.values()) <= MAXIMUM_TYPED and _cookie_length() <= MAXIMUM_COOKIE:
            break
        left_out = True
        for name in sorted(sizes, key=sizes.__getitem__, reverse=True)[: 1 + len(sizes) // 10]:
            del fields[name], sizes[name]
        session.pop(BEGUN)
    if left_out:
        text = _(
            "Part of what you typed is too long to keep while you sign in. Go back in your browser and copy it first."
        )
        flash(text, "problem")


def _cookie_length() -> int:
    serializer = PrivateSessions().get_signing_serializer(current_app)
    return 0 if serializer is None else len(serializer.dumps(dict(session)))


def find_begun(path: str) -> MultiDict[str, str] | None:
    """What was sent to the page at `path` before its sender signed in; None when there is nothing."""
    found = viewer_was_asked() and session.get(BEGUN, [None])[0] == path
    return MultiDict(session[BEGUN][1]) if found else None


def take_begun() -> MultiDict[str, str] | None:
    """What was sent to this page before somebody had to sign in: once, as soon as they have and their address is proved, which
    what they began may wait for; None when there is nothing."""
    if "begun" not in g:
        g.begun = find_begun(request.path)
        person: Viewer | None = viewer()
        if g.begun is not None and person is not None and person.is_email_verified:
            session.pop(BEGUN)
    kept: MultiDict[str, str] | None = g.begun
    return kept


def forget_begun() -> None:
    """Whoever uses this browser next is somebody else."""
    session.pop(BEGUN, None)


@overload
def public(view: View) -> View: ...


@overload
def public(*, load: Load) -> Callable[[View], View]: ...


def public(view: View | None = None, *, load: Load | None = None) -> Any:
    """Everybody may call this route. With `load`, the view gets what it returns; None answers 404."""
    guard = Guard("public", load=load)
    return _guarded(view, guard) if view is not None else lambda wrapped: _guarded(wrapped, guard)


@overload
def signed_in(view: View) -> View: ...


@overload
def signed_in(*, load: Load | None = None, scope: str | None = None) -> Callable[[View], View]: ...


def signed_in(view: View | None = None, *, load: Load | None = None, scope: str | None = None) -> Any:
    """Whoever is signed in may call this route; others are asked to sign in and come back (API: 401)."""
    guard = Guard("signed_in", load=load, scope=scope)
    return _guarded(view, guard) if view is not None else lambda wrapped: _guarded(wrapped, guard)


def allow(may: May, *, load: Load | None = None, scope: str | None = None) -> Callable[[View], View]:
    """Whoever is signed in and whom the policy predicate `may(person, thing)` (or `may(person)` without `load`) allows.

    `scope` is what an API token needs besides (403 without it). Everybody else gets 404.
    """
    guard = Guard("allow", may=may, load=load, scope=scope)
    return lambda view: _guarded(view, guard)


def guard_of(app: Flask, endpoint: str) -> Guard | None:
    """The guard a route declared, or None."""
    return getattr(app.view_functions[endpoint], "guard", None)


def safe_next(target: str | None, default: str) -> str:
    """`target` when it is a path of this site, else `default`: a sign-in link must not lead elsewhere."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return default
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or any(ord(character) < 32 for character in target):
        return default
    return target


def flash_undo(text: str, url: str, *, post: bool = False) -> None:
    """Say what happened on the next page, with a way back: `url` is a form page, so that following it changes nothing;
    with `post` it is the act itself, sent by a button with the proof that our page sent it."""
    flash({"text": text, "url": url, "label": _("Undo"), "post": post})  # type: ignore[arg-type]  # any JSON is carried; toast.html reads it


class IdConverter(BaseConverter):
    """`<id:need_id>` in a URL: the opaque string outside, the key inside; anything else is 404."""

    regex = "[0-9a-z]{13}"

    def to_python(self, value: str) -> int:
        key = decode_id(value)
        if key is None:
            raise ValidationError
        return key

    def to_url(self, value: Any) -> str:
        return encode_id(int(value))


# --- security headers -------------------------------------------------------------------------------------------


def content_security_policy(payment_hosts: tuple[str, ...] = (), *, framed_by: str = "'none'") -> str:
    """Everything from this origin, nothing inline. Forms may end at the payment page: a browser follows the redirect.
    `framed_by`: which sites may show the page in theirs (a source of frame-ancestors)."""
    form_action = " ".join(("'self'", *payment_hosts))
    return "; ".join(
        (
            "default-src 'self'",
            "img-src 'self'",
            "style-src 'self'",
            "script-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            f"frame-ancestors {framed_by}",
            f"form-action {form_action}",
        )
    )


def _security_headers(payment_hosts: tuple[str, ...], production: bool) -> tuple[tuple[str, str], ...]:
    """What every answer carries that does not say otherwise itself."""
    strict = (("Strict-Transport-Security", "max-age=31536000"),) if production else ()
    return (
        ("Content-Security-Policy", content_security_policy(payment_hosts)),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        *strict,
    )


def _is_behind_link() -> bool:
    """True when the address of this request holds a link's token: whoever has it may do what the link is for."""
    rule = request.url_rule
    return rule is not None and any(name.endswith("token") for name in rule.arguments)


def _add_headers(response: Response) -> Response:
    headers = response.headers
    if response.mimetype in ("text/html", "application/problem+json"):
        response.vary.add("Accept-Language")
    # One look at what is there already: asking for each anew costs a short answer more than everything else about it.
    there = {name.lower() for name, _value in headers}
    headers.extend([pair for pair in current_app.extensions["security_headers"] if pair[0].lower() not in there])
    if _is_behind_link():
        headers.update(_LINK_PAGE_HEADERS)
    # What somebody signed in was shown must not be kept by anybody else (a form with its token: PrivateSessions).
    if "Cache-Control" not in headers and viewer_was_asked():
        headers["Cache-Control"] = "no-store"
    elif "Authorization" in request.headers:
        headers["Cache-Control"] = "private, no-cache"
    elif _for_programs() and response.status_code < 400:
        # What anybody may read of the API may be closed or withdrawn at any moment: nobody shows it again without asking.
        headers.setdefault("Cache-Control", "public, no-cache" if request.method in ("GET", "HEAD") else "no-store")
    elif response.status_code >= 400:
        # A browser keeps a 410 for ever unless it is told not to (RFC 9111, 4.2.2: heuristically fresh).
        headers.setdefault("Cache-Control", "no-store")
    return response


def _read_the_rest(response: Response) -> Response:
    """Read and throw away a body that was refused for its size. A server that closes a connection on which somebody still
    sends resets it, and a browser shows that instead of the answer (RFC 9112, 9.6)."""
    length, limit = request.content_length or 0, request.max_content_length
    if limit is None or not limit < length <= MAXIMUM_THROWN_AWAY:
        return response
    body = request.input_stream
    with contextlib.suppress(OSError):  # whoever has gone reads no answer either
        while length > 0 and (some := body.read(min(length, 64 * 1024))):
            length -= len(some)
    return response


class PrivateSessions(SecureCookieSessionInterface):
    """Sessions in Flask's signed cookie; an answer that sets one (a form with its token) is kept by nobody."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """As Flask does; what comes without a cookie has nothing whose signature were to be checked."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """As Flask does, after every after_request function."""
        super().save_session(app, session, response)
        if "Set-Cookie" in response.headers:
            response.headers["Cache-Control"] = "no-store"


def viewer_was_asked() -> bool:
    """True when this request carried a session: its answer may be personal."""
    return current_app.config["SESSION_COOKIE_NAME"] in request.cookies


# --- static files -----------------------------------------------------------------------------------------------


STATIC = Path(__file__).parent.parent / "static"


def static_url(app: Flask, filename: str) -> str:
    """The address of a static file with a digest of its content, so that it may be cached for ever."""
    digests: dict[str, str] = app.extensions.setdefault("static_digests", {})
    if filename not in digests:
        content = (STATIC / filename).read_bytes()
        digests[filename] = hashlib.sha256(content).hexdigest()[:10]
    return f"/static/{filename}?v={digests[filename]}"


# --- errors -----------------------------------------------------------------------------------------------------


def _for_programs() -> bool:
    """The API answers in problem details, pages in pages."""
    return request.path.startswith("/api/")


def _error_page(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if error.response is not None:
        return error.response
    if _for_programs():
        return problems.from_http(error)
    why = error.why if isinstance(error, NotYours) else ""
    response = current_app.make_response((render_template("errors/error.html", code=code, why=why), code))
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after", "www-authenticate"):
            response.headers[name] = value
    return response


def _refused_page(error: Refused) -> ResponseReturnValue:
    if _for_programs():
        return problems.from_refused(error)
    return render_template("errors/refused.html", reasons=error.reasons), 409


def _invalid_page(error: InvalidInput) -> ResponseReturnValue:
    """A view shows its form again; this is for input that no form of ours could have sent."""
    if _for_programs():
        return problems.from_invalid(error)
    return render_template("errors/error.html", code=400, why=""), 400


def _bad_cursor(_error: BadCursor) -> ResponseReturnValue:
    """A page of a list that is not there leads to the list's beginning, with every other filter kept."""
    if _for_programs():
        message = _("This cursor is not one of ours. Begin without it.")
        return problems.problem(422, message, errors=[{"field": "cursor", "code": "invalid", "message": message}])
    others = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    return redirect(request.path + ("?" + urlencode(others) if others else ""))


def init_app(app: Flask, payment_hosts: tuple[str, ...]) -> None:
    """Attach converters, headers, error pages and the check that every route is guarded."""
    app.url_map.converters["id"] = IdConverter
    app.extensions["security_headers"] = _security_headers(payment_hosts, app.config["SETTINGS"].production)
    app.after_request(_add_headers)
    app.after_request(_read_the_rest)
    app.session_interface = PrivateSessions()
    app.register_error_handler(HTTPException, _error_page)
    app.register_error_handler(Refused, _refused_page)
    app.register_error_handler(InvalidInput, _invalid_page)
    app.register_error_handler(BadCursor, _bad_cursor)
    app.jinja_env.globals["way_back"] = way_back
    app.jinja_env.globals["static_url"] = functools.partial(static_url, app)
    app.jinja_env.filters["id"] = encode_id
    templating.init_app(app)

    @app.before_request
    def name_route() -> None:
        request.environ[ROUTE] = str(request.url_rule or "-")

    @app.before_request
    def refuse_unguarded() -> None:
        if "\x00" in request.path:  # names nothing, and PostgreSQL takes it in no text
            abort(404)
        endpoint = request.endpoint
        if endpoint is not None and guard_of(app, endpoint) is None:
            abort(404)


def require_guards(app: Flask) -> None:
    """Raise RuntimeError, naming them, when routes state no guard (A1). The factory calls this last."""
    naked = sorted(rule.endpoint for rule in app.url_map.iter_rules() if guard_of(app, rule.endpoint) is None)
    if naked:
        raise RuntimeError(f"routes without a guard: {', '.join(naked)}")


__all__ = [
    "ROUTE",
    "Guard",
    "ProvenBlueprint",
    "allow",
    "flash_undo",
    "guard_of",
    "init_app",
    "public",
    "require_guards",
    "safe_next",
    "settings",
    "signed_in",
    "viewer",
]
