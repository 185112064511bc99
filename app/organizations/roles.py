"""What the roles of an organization's members are called, and what each may do."""

from __future__ import annotations

from app.core.i18n import lazy

ROLE_WORDS = {
    "owner": lazy("Owner"),
    "manager": lazy("Manager"),
    "coordinator": lazy("Coordinator"),
    "viewer": lazy("Viewer"),
}
ROLE_NAMES = {
    "owner": lazy("Owner: everything, and other owners"),
    "manager": lazy("Manager: listings, people, money reports"),
    "coordinator": lazy("Coordinator: rosters and receiving"),
    "viewer": lazy("Viewer: reads"),
}
