"""Moderation: decisions about organizations, each with what was checked and by whom.

Owns no table of its own yet: verification is a table of organizations.
Invariants: what a decision hides is hidden at once and everywhere (N1): the need index follows in the same transaction;
every decision is an audit event and a row that is never changed (A2).
"""
