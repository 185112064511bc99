"""Pledges: one supporter's promise of a quantity of one item.

Owns: pledge.
Invariants: P1 (the item's equation, kept in the same statement as the pledge), P2 (a second pledge asks to add or
replace; one live pledge per person and item, a constraint), P4, P5.
"""
