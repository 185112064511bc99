"""The money storm: webhooks by the thousand, doubled, shuffled, late and dropped, while web and worker are killed.

`make storm` runs it in full (`python -m tests.storm --help`), the suite a small one (tests/crash/test_money_storm.py). What
happened at Stripe's side is read from the demo payment server afterwards, which knows nothing of the application: its books
and ours must agree account by account and currency by currency.
"""
