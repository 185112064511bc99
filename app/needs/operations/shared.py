"""What every act on a need begins and ends with: its lock, its record, its version and the index."""

from __future__ import annotations

from app.accounts.models import Person
from app.core import audit
from app.core.clock import now
from app.core.db import db, lock
from app.core.errors import Refused, refuse
from app.core.i18n import _
from app.needs import index
from app.needs.models import Item, Need, Shift


def gone() -> Refused:
    """That it is not there any more, to be raised."""
    return refuse("not_found", _("This is not there any more."), _("Open the page again to see what there is."))


def locked_need(need_id: int) -> Need:
    """The need, held until the transaction ends. Raises Refused (`not_found`) when it is gone."""
    need = lock(Need, need_id)
    if need is None:
        raise gone()
    return need


def locked_shift(shift_id: int) -> tuple[Need, Shift]:
    """Need, then shift: the order every act locks in. Raises Refused (`not_found`)."""
    found = db.session.get(Shift, shift_id)
    need = lock(Need, found.need_id) if found is not None else None
    shift = lock(Shift, shift_id) if need is not None else None
    if need is None or shift is None:
        raise gone()
    return need, shift


def locked_item(item_id: int) -> tuple[Need, Item]:
    """Need, then item. Raises Refused (`not_found`)."""
    found = db.session.get(Item, item_id)
    need = lock(Need, found.need_id) if found is not None else None
    item = lock(Item, item_id) if need is not None else None
    if need is None or item is None:
        raise gone()
    return need, item


def require_not_closed(need: Need) -> None:
    """Raise Refused (`closed`) when the need has ended."""
    if need.status == "closed":
        raise refuse("closed", _("This need is closed."), _("Reopen it to change it."))


def changed(need: Need) -> None:
    """What every change ends with: a new version, and the index follows in the same transaction."""
    need.version += 1
    need.updated_at = now()
    db.session.flush()
    index.reindex([need.id])


def record(
    action: str, subject: Need | Shift | Item, by: Person | None, need: Need, data: dict[str, str | None] | None = None
) -> None:
    """One event of the audit trail."""
    audit.record(action, subject=subject, by=by, organization_id=need.organization_id, data=data)
