"""Signups: one supporter's place on one shift, and the gate that every place passes.

Owns: signup.
Words: party size counts the supporter; a signup is *live* while requested, offered, waitlisted,
confirmed or checked in.
Invariants: S1 (confirmed party sizes never exceed capacity), S2 (one live signup per person and shift, a constraint),
S3 (no overlapping confirmed places), S4, S11, G1. There is one gate, `gate.check`, and no second path to a place.
"""
