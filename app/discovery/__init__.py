"""Discovery: hearing of what one cares about, without having to look for it.

Owns: who follows which organization and topic and how often they are written to, what of it is news, the digest, and the
feeds of organizations and topics (Atom, JSON Feed). The search itself lives with needs (docs/adr/0003).
Words: a *follow* is one address's wish to hear of one organization or topic; a *follower* is whose it is, somebody with an
account or an address alone; a *request* waits for whoever reads the mail of an address to say yes; *news* is what became
public, or changed in public, since a follow was told last.
Invariants: nobody is written to who did not say yes, signed in with a proved address or by the link in a mail; what is told
is public at the moment of sending and at every reading of a feed (N1, F8), and of a private place never more than its area
(N6); one mail for everything an address follows, each thing in it once (M1); one click ends it, without an account too (M2);
a minor follows nothing before a guardian agrees, and whoever follows without an account is an adult (G4).
"""
