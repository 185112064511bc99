"""What an API token may be for. No scope carries a platform role (A5)."""

from __future__ import annotations

from app.core.i18n import lazy

SCOPES = {
    "me:read": lazy("Read your profile"),
    "me:write": lazy("Change your profile"),
    "signups:read": lazy("See sign-ups: yours, and those of your organizations"),
    "signups:write": lazy("Sign up and cancel"),
    "pledges:read": lazy("See pledges: yours, and those of your organizations"),
    "pledges:write": lazy("Pledge, cancel and receive"),
    "donations:read": lazy("See donations: yours, and those of your organizations"),
    "donations:write": lazy(
        "Go on with gifts of yours, change and stop them; record, confirm and give back gifts to your organizations"
    ),
    "fundraisers:write": lazy("Start, change and approve fundraisers"),
    "clearances:read": lazy("See clearances: yours, and those your organizations keep"),
    "clearances:write": lazy("Record and revoke clearances for your organizations"),
    "needs:write": lazy("Post and change needs of your organizations"),
    "organizations:read": lazy("See members and locations of your organizations"),
    "organizations:write": lazy("Change your organizations"),
}
