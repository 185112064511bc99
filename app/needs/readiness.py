"""How far a draft has come, from what is typed so far: five parts, each a finger of a hand."""

from __future__ import annotations

import dataclasses

from app.core.i18n import _, ngettext
from app.needs.drafts import lacks
from app.needs.forms import NeedForm


@dataclasses.dataclass(frozen=True)
class Part:
    """One part of a need: what it is called, whether it is there, and the id of the element to go to."""

    words: str
    is_ready: bool
    anchor: str


def readiness(form: NeedForm) -> list[Part]:
    """The five parts in the order of the page."""
    shifts = [entry.form for entry in form.shifts.entries if not entry.form.is_blank]
    items = [entry.form for entry in form["items"].entries if not entry.form.is_blank]
    wanted = [item for item in items if not item.do_not_bring.data]
    incomplete = [
        f"{name}-{number}"
        for name, entries in (("shift", form.shifts.entries), ("item", form["items"].entries))
        for number, entry in enumerate(entries, 1)
        if not entry.form.is_blank and lacks(entry.form)
    ]
    counts = (
        ngettext("%(num)s shift", "%(num)s shifts", len(shifts)) if shifts else "",
        ngettext("%(num)s item", "%(num)s items", len(wanted)) if wanted else "",
    )
    is_whole = bool(shifts or wanted) and not incomplete
    dated = any(shift.day.data or shift.due_on.data for shift in shifts)
    return [
        Part(_("What and why"), bool(form.title.data and form.description.data), "title"),
        Part(
            ", ".join(count for count in counts if count) if is_whole else _("What you need"),
            is_whole,
            incomplete[0] if incomplete else "shifts",
        ),
        Part(_("Where"), bool(form.place.data or form.remote.data), "place"),
        Part(_("Whom people meet"), bool((shifts or wanted) and all(s.contact.data for s in shifts)), "shifts"),
        Part(_("Until when"), bool(form.ends_on.data or dated), "ends_on"),
    ]
