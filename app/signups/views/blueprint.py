"""The blueprints that the pages of places share."""

from flask import Blueprint

signups = Blueprint("signups", __name__)
# What a link in a mail opens, without a session: the link is the proof, so its forms carry no other.
by_link = Blueprint("by_link", __name__)
by_link.csrf_exempt = True  # type: ignore[attr-defined]  # read by the factory
