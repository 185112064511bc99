"""What happens to donations and to what Stripe says. Every function runs inside the caller's transaction and flushes.

No function here calls Stripe: `checkout` fetches the facts first, outside any transaction, and hands them in. One file
for each thing that happens: `giving` (a gift somebody is about to pay), `fulfilling` (what Stripe says of it), `inbox`
(the events).
"""
