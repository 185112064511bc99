"""Every parameter that the demo payment server accepts, call by call, from https://docs.stripe.com/api (errors.API_VERSION)."""

from __future__ import annotations

from deploy.demo_payments.disputes import EVIDENCE, FILES
from deploy.demo_payments.params import (
    ByMode,
    Choice,
    Created,
    Email,
    Evidence,
    Flag,
    Integer,
    Items,
    Metadata,
    Spec,
    Table,
    Text,
    Url,
)

EXPAND = Items(of=Text(longest=200), most=20)
CREATE_SESSION = ByMode(
    only={
        "payment_intent_data": ("payment",),
    },
    of={
        "mode": Choice(required=True, values=("payment", "setup", "subscription")),
        "ui_mode": Choice(values=("elements", "embedded_page", "form", "hosted_page")),
        "submit_type": Choice(values=("auto", "book", "donate", "pay", "subscribe")),
        "line_items": Items(
            required=True,
            most=100,
            of=Table(
                of={
                    "quantity": Integer(required=True, smallest=1, largest=999_999),
                    "price_data": Table(
                        required=True,
                        of={
                            "currency": Text(required=True, longest=3),
                            "unit_amount": Integer(required=True, smallest=0),
                            "product_data": Table(
                                required=True,
                                of={
                                    "name": Text(required=True, longest=250),
                                    "description": Text(longest=500),
                                    "metadata": Metadata(),
                                },
                            ),
                        },
                    ),
                }
            ),
        ),
        "success_url": Url(required=True),
        "cancel_url": Url(),
        "client_reference_id": Text(longest=200),
        "customer_email": Email(),
        "expires_at": Integer(smallest=0),
        "locale": Text(longest=10),
        "metadata": Metadata(),
        "payment_intent_data": Table(
            of={
                "description": Text(longest=1000),
                "metadata": Metadata(),
                "receipt_email": Email(),
                "statement_descriptor_suffix": Text(longest=22),
            }
        ),
        "expand": EXPAND,
    },
)
ONLY_EXPAND = Table(of={"expand": EXPAND})
PAGING: dict[str, Spec] = {
    "created": Created(),
    "ending_before": Text(),
    "expand": EXPAND,
    "limit": Integer(smallest=1, largest=100),
    "starting_after": Text(),
}

# Connected accounts. What `full` accounts collect by themselves is on nobody's list.
_PROFILE = Table(
    of={
        "mcc": Text(longest=4),
        "name": Text(longest=100),
        "product_description": Text(longest=40_000),
        "support_email": Email(),
        "support_phone": Text(longest=40),
        "support_url": Url(),
        "url": Url(),
    }
)
_CAPABILITY = Table(of={"requested": Flag()})
_CAPABILITIES = Table(
    of={
        "acss_debit_payments": _CAPABILITY,
        "bacs_debit_payments": _CAPABILITY,
        "card_payments": _CAPABILITY,
        "link_payments": _CAPABILITY,
        "sepa_debit_payments": _CAPABILITY,
        "transfers": _CAPABILITY,
        "us_bank_account_ach_payments": _CAPABILITY,
    }
)
_OF_ACCOUNT: dict[str, Spec] = {
    "business_profile": _PROFILE,
    "business_type": Choice(values=("company", "government_entity", "individual", "non_profit")),
    "capabilities": _CAPABILITIES,
    "default_currency": Text(longest=3),
    "email": Email(),
    "expand": EXPAND,
    "metadata": Metadata(),
}
CREATE_ACCOUNT = Table(
    of={
        **_OF_ACCOUNT,
        "country": Text(longest=2),
        "type": Choice(values=("custom", "express", "standard")),
        "controller": Table(
            of={
                "fees": Table(of={"payer": Choice(values=("account", "application"))}),
                "losses": Table(of={"payments": Choice(values=("application", "stripe"))}),
                "requirement_collection": Choice(values=("application", "stripe")),
                "stripe_dashboard": Table(of={"type": Choice(values=("express", "full", "none"))}),
            }
        ),
    }
)
UPDATE_ACCOUNT = Table(of=_OF_ACCOUNT)
ACCOUNT_LINK = Table(
    of={
        "account": Text(required=True),
        "type": Choice(required=True, values=("account_onboarding", "account_update")),
        "return_url": Url(),
        "refresh_url": Url(),
        "collection_options": Table(
            of={
                "fields": Choice(values=("currently_due", "eventually_due")),
                "future_requirements": Choice(values=("include", "omit")),
            }
        ),
        "expand": EXPAND,
    }
)

# Money that goes back.
CREATE_REFUND = Table(
    of={
        "amount": Integer(smallest=1),
        "charge": Text(),
        "payment_intent": Text(),
        "reason": Choice(values=("duplicate", "fraudulent", "requested_by_customer")),
        "metadata": Metadata(),
        "expand": EXPAND,
    }
)
WITH_METADATA = Table(of={"metadata": Metadata(), "expand": EXPAND})
# There are no files here, so what Stripe takes as a file is on no list.
UPDATE_DISPUTE = Table(
    of={
        "evidence": Table(of={name: Evidence() for name in EVIDENCE if name not in FILES}),
        "metadata": Metadata(),
        "submit": Flag(),
        "expand": EXPAND,
    }
)
