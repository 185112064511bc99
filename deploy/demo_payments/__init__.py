"""The demo payment server: a separate loopback process that speaks Stripe's HTTP well enough to try everything.

It exists so that the real `stripe` package can be used without an account, and shares no code and no schema with the
application: what it accepts, how it answers and what it sends are written here by hand from Stripe's own reference
(https://docs.stripe.com/api, version in errors.API_VERSION). Whatever is not on its lists it refuses, as Stripe does.
No money moves.

    python -m deploy.demo_payments --port 12111 --data-dir instance --key sk_test_... --webhook-secret whsec_... \\
        --webhook-url http://localhost:8000/stripe/webhook --connect-webhook-secret whsec_... \\
        --connect-webhook-url http://localhost:8000/stripe/webhook/connect
"""
