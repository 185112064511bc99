"""What keeps somebody from acting for an organization whatever their role there is (organizations.acting)."""

from __future__ import annotations

from app.safeguarding.standing import list_lacking_guardian

BARS = (list_lacking_guardian,)
