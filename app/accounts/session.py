"""Who is asking: a browser's session cookie on pages, a bearer token on the API; never one in the place of the other."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from flask import Flask, Request, g, request, session
from flask_login import LoginManager, login_user, logout_user
from werkzeug.exceptions import Unauthorized

from app.accounts.models import ApiToken, Person
from app.core import web
from app.core.db import db
from app.core.ids import decode_id
from app.core.tokens import hash_token

MARK = "chosen_here"


def find_current_person() -> Person | None:
    """The signed-in person of this request, or None."""
    person: Person | None = web.viewer()
    return person


def current_person() -> Person:
    """The signed-in person, in a view whose guard has made sure there is one. Raises Unauthorized otherwise."""
    person = find_current_person()
    if person is None:
        raise Unauthorized
    return person


def open_session(person: Person) -> None:
    """Sign `person` in on this browser."""
    login_user(person, remember=False)


def keep_mark(mark: str) -> None:
    """Remember in this browser that a password was chosen here (`operations.register_person`)."""
    session[MARK] = mark


def find_mark() -> str:
    """That mark, or ""."""
    return str(session.get(MARK, ""))


def end_session() -> None:
    """Sign out on this browser."""
    logout_user()
    session.pop(MARK, None)
    web.forget_begun()


def _load_from_session(session_id: str) -> Person | None:
    """The person of a session, unless it was issued in an earlier epoch or the person is not active."""
    if request.path.startswith("/api/"):
        return None
    public_id, _, epoch = session_id.partition(".")
    key = decode_id(public_id)
    person = None if key is None else db.session.get(Person, key)
    if person is None or not person.is_active:
        return None
    return person if secrets.compare_digest(epoch, str(person.session_epoch)) else None


def _load_from_token(incoming: Request) -> Person | None:
    """The person of an API token, with its scopes in g.token_scopes."""
    kind, _, token = incoming.headers.get("Authorization", "").partition(" ")
    if not incoming.path.startswith("/api/") or kind.lower() != "bearer" or not token.strip():
        return None
    found = db.session.execute(
        sa.select(Person, ApiToken)
        .join(ApiToken, ApiToken.person_id == Person.id)
        .where(ApiToken.token_hash == hash_token(token.strip()), ApiToken.revoked_at.is_(None))
    ).first()
    if found is None or not found[0].is_active:
        return None
    person: Person = found[0]
    g.token_scopes = frozenset(found[1].scopes)
    g.token_id = found[1].id
    return person


def init_app(app: Flask) -> None:
    """Attach flask-login with our two loaders."""
    manager = LoginManager(app)
    manager.session_protection = None
    manager.user_loader(_load_from_session)
    manager.request_loader(_load_from_token)
