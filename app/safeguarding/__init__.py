"""Safeguarding: the facts that decide who may take which place, and who said so.

Owns: clearance, clearance share, exemption, requirement profile, code of conduct and its versions, guardianship and
its confirmations, contact permission.
Words: a *requirement* is a kind and a level ("background_check:uk_enhanced"); a *clearance* is the recorded fact that a
person holds one, never the document; *contact* is children or adults at risk; a *guardian* answers for a minor.
Invariants: unknown is no (G1); what is stored is the least that decides, and is purged at its date (G3); an organization
may ask people to contact only with the word of two different moderators (G3); a minor does nothing before a guardian
consents (G4). Who may take a place is asked live, through `standing`; nothing here waits for a job.
"""
