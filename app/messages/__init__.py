"""Messages: how a person is written to, and what of it they want.

Owns the kinds of mail, each person's choice per kind, their quiet hours and the link that stops one kind with one click.
Rules: M1 (what is promised is sent, and what cannot be is seen), M2 (one click, service messages apart).
"""
