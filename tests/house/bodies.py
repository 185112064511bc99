"""A valid body for every route that takes one; {names} are filled from the world."""

from __future__ import annotations

from typing import Any

EMPTY: dict[str, Any] = {}
NEED = {
    "title": "Sort books",
    "description": "For the library.",
    "urgency": "normal",
    "place": "Newark, NJ",
    "shifts-0-kind": "times",
    "shifts-0-day": "2031-05-05",
    "shifts-0-start": "09:00",
    "shifts-0-end": "11:00",
    "shifts-0-positions-0-capacity": "3",
    "shifts-0-contact": "none",
}
FUNDRAISER = {"title": "Run for books", "story": "Why I run.", "goal": "500", "show_starter": ""}
PASSWORD = "a long enough password"
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "accounts.register"): {"name": "New", "email": "new@example.org", "password": PASSWORD},
    ("POST", "accounts.sign_in"): {"email": "nobody@example.org", "password": PASSWORD},
    ("POST", "accounts.sign_out"): EMPTY,
    ("POST", "accounts.forgotten_password"): {"email": "nobody@example.org"},
    ("POST", "accounts.reset_password"): {"password": PASSWORD},
    ("POST", "accounts.verify_email"): EMPTY,
    ("POST", "accounts.resend_verification"): EMPTY,
    ("POST", "accounts.profile"): {"name": "Renamed"},
    ("POST", "accounts.change_password"): {"current": "wrong password", "password": PASSWORD},
    ("POST", "organizations.new"): {"name": "Books for All", "country": "US", "place": "Newark, NJ"},
    ("POST", "organizations.settings"): {"name": "Renamed"},
    ("POST", "organizations.members"): {"email": "nobody@example.org", "role": "viewer"},
    ("POST", "organizations.member"): {"role": "coordinator"},
    ("POST", "organizations.remove_member"): EMPTY,
    ("POST", "organizations.locations"): {"name": "Depot", "place": "Newark, NJ"},
    ("POST", "organizations.remove_location"): EMPTY,
    ("POST", "organizations.claim"): {"mailbox": "info", "evidence": "I run the kitchen."},
    ("POST", "organizations.answer_claim"): {"act": "grant"},
    ("POST", "moderation.claim"): {"checked": "called them", "act": "grant"},
    ("POST", "moderation.organization"): {"checked": "register entry", "decision": "withdraw"},
    ("POST", "needs.new"): {**NEED, "act": "save"},
    ("POST", "needs.edit"): {
        "title": "Changed", "description": "Still needed.", "urgency": "high", "place": "Newark, NJ", "act": "save",
        "version": "{version}",
    },
    ("POST", "needs.publish"): EMPTY,
    ("POST", "needs.pause"): EMPTY,
    ("POST", "needs.reopen"): EMPTY,
    ("POST", "needs.close"): EMPTY,
    ("POST", "needs.cancel_shift"): EMPTY,
    ("POST", "needs.remove_item"): EMPTY,
    ("POST", "signups.new"): {"party_size": "1"},
    ("POST", "signups.cancel"): EMPTY,
    ("POST", "pledges.new"): {"quantity": "3", "mode": "add"},
    ("POST", "pledges.cancel"): EMPTY,
    ("POST", "pledges.receive"): {"received": "1", "rejected": "", "reason": ""},
    ("POST", "fundraisers.new"): FUNDRAISER,
    ("POST", "fundraisers.edit"): FUNDRAISER,
    ("POST", "fundraisers.end"): EMPTY,
    ("POST", "fundraisers.approve"): EMPTY,
    ("POST", "fundraisers.decline"): {"reason": "Please say more"},
    ("POST", "fundraisers.set_approval"): {"auto_approve": "y"},
    ("POST", "donations.new"): {"amount": "25", "name": "Dee", "email": "dee@example.org", "anonymous": "yes"},
    ("POST", "stripe.webhook"): EMPTY,
    ("PATCH", "api_me.edit"): {"name": "Renamed"},
    ("PATCH", "api_needs.edit"): {"title": "Renamed"},
    ("PATCH", "api_shifts.edit"): {"capacity": 20},
    ("PATCH", "api_items.edit"): {"quantity": "200"},
    ("PATCH", "api_organizations.edit"): {"name": "Renamed"},
    ("PATCH", "api_fundraisers.edit"): {"title": "Renamed"},
    ("POST", "api_needs.create"): {
        "organization": "{slug}", "title": "Sort books", "description": "For the library.",
        "place": {"city": "Newark", "region": "NJ"},
    },
    ("POST", "api_shifts.create"): {
        "starts_at": "{starts_at}", "ends_at": "{ends_at}", "capacity": 2, "contact": "none",
    },
    ("POST", "api_items.create"): {"name": "Rice", "unit": "bag", "quantity": "10"},
    ("POST", "api_signups.create"): {"party_size": 1},
    ("POST", "api_pledges.create"): {"quantity": "3", "mode": "add"},
    ("POST", "api_pledges.receive"): {"received": "1"},
    ("POST", "api_fundraisers.create"): {
        "organization": "{slug}", "title": "Run for books", "story": "Why.", "goal": {"amount_minor": 50000, "currency": "USD"},
    },
    ("POST", "api_fundraisers.give"): {"amount_minor": 2500, "currency": "USD", "email": "dee@example.org"},
}  # fmt: skip
