"""Accounts: people, how they sign in, their profile and skills, their API tokens.

Owns: person, person_skill, api_token, link_token, throttle.
Words: supporter, donor, staff and moderator are all a *person*; what they may do is said elsewhere.
Invariants: an unknown birth date stays unknown (G1, G4); under 13 nothing is kept (G4); tokens are stored as hashes
and never carry platform roles (A5); throttles of sign-in live in the database (A5).
"""
