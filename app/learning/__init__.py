"""Learning: where to report outside this platform, and (as it grows) what can be learned with its sources.

Owns: signposts to official services.
Words: a *signpost* leads to a service outside; a *report* (moderation) and a *concern* (safeguarding) stay here.
Invariants: the platform takes in no report of abuse and no such material; whoever looks is not written down (L2); what is
not certain is not shown as certain (L1).
"""
