"""Imports: CSV in and out, for every feature.

Owns no table: what a row was is kept on the row it made (need.external_id, need.import_digest).
Words: a row is a need, a draft, a closed need or a reject with its reason; a mapping file renames foreign columns.
Invariants: the same file again changes nothing; no rule exists for one row, site or file; an import places nobody (G1).
"""
