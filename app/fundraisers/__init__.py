"""Fundraisers: pages that raise money for one organization, optionally for one of its needs.

Owns: fundraiser.
Words: the organization is always the payee; a fundraiser is attribution only (MONEY in docs/money.md).
Invariants: F8 (visible after the organization approves and while it is verified and not suspended), F1.
"""
