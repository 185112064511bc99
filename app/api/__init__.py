"""The API, version 1: JSON for programs, one module per resource. It calls the same operations as the pages.

Owns: idempotency_key.
Words: those of the product; bodies use the names of the answers. Errors are RFC 9457 problem details (core.problems).
Invariants: a token never carries a platform role (A5); concerns, holds and sealed notes have no resource (A5); what the
public may not see is 404 (N1, A1).
"""
