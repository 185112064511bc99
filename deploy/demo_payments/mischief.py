"""The page on which somebody lets things go wrong on purpose, as tests do by hooks.py. Plain HTML."""

from __future__ import annotations

import datetime as dt

from flask import abort, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from deploy.demo_payments.faults import Fault, Faults, WebhookTrouble
from deploy.demo_payments.pages import blueprint, page
from deploy.demo_payments.wire import payments

# A request of the site's waits up to 15 seconds, and is tried again.
LATE_SECONDS = 20.0
TIMES = 3
MODES = {
    "500": "Answer the next three with an error (500)",
    "429": "Say three times that there were too many (429)",
    "timeout": "Do the next three, and answer too late",
    "drop": "Do the next three, and lose the answer",
    "drop-before": "Lose the next three",
}
# Of the events of the demonstration some are seen to go wrong, and most arrive.
KINDS = {
    "duplicate": ("many come twice", WebhookTrouble(duplicate=0.5)),
    "reorder": ("they come in any order, and late", WebhookTrouble(reorder=True, delay=10)),
    "drop": ("some never come", WebhookTrouble(drop=0.3)),
    "all": ("all of that", WebhookTrouble(duplicate=0.35, drop=0.2, reorder=True, delay=10)),
}
HOUR = 60 * 60
# The day and the time, as people read them.
SAID = "%A, %B %d, %Y, %H:%M"
STEPS = {str(3 * HOUR): "Three hours pass", str(24 * HOUR): "A day passes", str(31 * 24 * HOUR): "A month passes"}


def _faults() -> Faults:
    found: Faults = current_app.extensions["faults"]
    return found


@blueprint.get("/trouble")
def trouble() -> AnyResponse:
    """What goes wrong now, and what may."""
    store = payments().store
    return page(
        "trouble.html",
        waiting=_faults().waiting,
        modes=MODES,
        events=[said for said, chosen in KINDS.values() if chosen == payments().trouble],
        kinds={name: said[0].upper() + said[1:] for name, (said, _chosen) in KINDS.items()},
        steps=STEPS,
        clock=_said(store.now()),
        today=_said(store.now() - store.ahead) if store.ahead else None,
    )


def _said(instant: int) -> str:
    return dt.datetime.fromtimestamp(instant, dt.UTC).strftime(SAID).replace(" 0", " ")


@blueprint.post("/trouble")
def make_trouble() -> AnyResponse:
    """Let it go wrong, let time pass, come back to today, or end all that goes wrong."""
    asked, store = request.form, payments().store
    if asked.get("fault") in MODES:
        _faults().add(Fault(mode=asked["fault"], path="/v1/", times=TIMES, seconds=LATE_SECONDS))
    elif asked.get("events") in KINDS:
        payments().trouble = KINDS[asked["events"]][1]
    elif asked.get("advance") in STEPS:
        with store.transaction():
            store.set("clock_offset", store.ahead + int(asked["advance"]))
        payments().do_due()
    elif asked.get("today"):
        with store.transaction():
            store.live_at(None)
        payments().do_due()
    elif asked.get("end"):
        _faults().clear()
        payments().trouble = WebhookTrouble()
    else:
        abort(400)
    return redirect(url_for("pages.trouble"), 303)
