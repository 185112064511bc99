"""Organizations: who asks for help, their members and roles, their locations, and what a moderator checked.

Owns: organization, membership, location, verification.
Words: owner (everything, and other owners), manager (listings, people, money reports), coordinator (rosters and
receiving), viewer (reads). An imported organization that nobody has claimed yet is *unclaimed*.
Invariants: unverified organizations have drafts only (N1); an organization keeps at least one owner once claimed;
members of one organization see nothing of another's (A1).
"""
