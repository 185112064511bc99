"""What time brings, by the kind of thing that is planned (store.plan)."""

from __future__ import annotations

from deploy.demo_payments import billing, books, disputes, invoices, refunds
from deploy.demo_payments.payments import Payments


def do(payments: Payments, what: str, object_id: str, at: int) -> None:
    """Let it happen to the object, which was due at `at`; nothing when that has been overtaken."""
    store = payments.store
    if what == "refund":
        refunds.succeed(payments, store.get("refund", object_id))
    elif what == "payout":
        payout = store.get("payout", object_id)
        if payout["status"] == "pending":
            books.send(payments, payout)
        books.payout_arrives(payments, payout)
    elif what == "dispute":
        disputes.time_is_up(payments, store.get("dispute", object_id))
    elif what == "renew":
        billing.renew(payments, store.get("subscription", object_id), at)
    elif what == "resume":
        billing.resume_collection(payments, store.get("subscription", object_id))
    elif what == "finalize":
        invoices.finalize(payments, store.get("invoice", object_id), at)
    elif what == "give_up":
        billing.give_up(payments, store.get("subscription", object_id))
    elif what == "bank":
        invoices.bank_says(payments, store.get("invoice", object_id))
    elif what == "retry":
        invoices.collect(payments, store.get("invoice", object_id), at)
