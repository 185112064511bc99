"""The blueprints that the pages of places share."""

from flask import Blueprint

from app.core.web import ProvenBlueprint

signups = Blueprint("signups", __name__)
# What a link in a mail opens, without a session.
by_link = ProvenBlueprint("by_link", __name__)
