"""Learning: what can be known, with its sources, and where to report outside this platform.

Owns: topics, articles, facts with their sources, questions with answers, the history of each, signposts to official
services.
Words: a *fact* is one claim with its sources; an *article* and a *question* cite facts; a *revision* is what one of them
said at a time; a *signpost* leads to a service outside; a *report* (moderation) and a *concern* (safeguarding) stay here.
Invariants: a verified fact has two sources of different publishers, or a primary document with its page, and every source
the day on which it was checked; what is not certain is not shown as certain (L1); nothing is deleted: what was wrong is
withdrawn, with the reason. The platform takes in no report of abuse and no such material; whoever looks at the signposts
is not written down (L2). Sensitive passages are folded (G13).
"""
