"""Somebody looked at a service's own page again."""

from __future__ import annotations

from app.accounts.models import Person
from app.core import audit, outbox
from app.core.clock import now, today
from app.core.db import db
from app.core.errors import refuse
from app.core.i18n import _
from app.learning.models import SignpostCheck
from app.learning.signposts import list_signposts


def record_signpost_check(key: str, *, by: Person) -> SignpostCheck:
    """The person looked at the service's own page today and what we show is right. Raises Refused (`not_found`)."""
    if all(row.key != key for row in list_signposts()):
        raise refuse("not_found", _("This service is not listed."))
    check = SignpostCheck(key=key, checked_on=today("UTC"), by_id=by.id, at=now())
    db.session.add(check)
    db.session.flush()
    audit.record("signpost.checked", subject=check, by=by)
    outbox.enqueue("write_signpost_checks", {}, key=f"write_signpost_checks:{check.id}")
    return check
