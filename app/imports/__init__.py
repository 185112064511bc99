"""Imports: CSV in and out, for every feature.

By command and by page the same rows become the same needs: what a row was is kept on the need it made (need.external_id,
need.import_digest). The page owns import_batch and import_row: who brought which file, and what became of each row.
Words: a row is a need, a draft, a closed need or a reject with its reason; a mapping file renames foreign columns; a batch is
one file brought by page, looked at, taken, and perhaps taken back.
Invariants: the same file again changes nothing; no rule exists for one row, site or file; an import places nobody (G1); what
was uploaded is forgotten after thirty days; taking back never touches what somebody promised to or changed since.
"""
