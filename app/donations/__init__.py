"""Donations: gifts of money, what Stripe said of them, and the double-entry ledger.

Owns: donation, stripe_event, stripe_sync, ledger_transaction, ledger_entry, refund, dispute, fraud_warning, payout, payout_line,
money_mismatch, reconciliation. gateway.py is the only import of stripe.
Invariants: F1-F4, F6, F9. An event is a trigger: the object is fetched afresh and only forward transitions apply;
nothing counts as given until Stripe says it is paid; entries are appended, never changed (triggers in the database).
"""
