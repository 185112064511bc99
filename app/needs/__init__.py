"""Needs: what an organization asks for, where and until when, and how it is found.

Owns: need, private_address, shift, position, item, and the tables of index.py (need_cell, facet_count, need_text).
Words: a need may ask for time (shifts, flexible roles), skills and supplies (items). A shift's places are counted on
its positions, one unnamed by default.
Invariants: N1 (nothing of a need that is not open, or of an organization that is not public), N2 (keyset paging),
N3 (distance and documented order), S1 and P1 as CHECK constraints on the counters, N6 (exact private addresses live
in a table of their own that no public query reads).
"""
