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
    Unsettable,
    Url,
)

EXPAND = Items(of=Text(longest=200), most=20)
RECURRING = Table(
    of={
        "interval": Choice(required=True, values=("day", "month", "week", "year")),
        "interval_count": Integer(smallest=1, largest=36),
    }
)
CREATE_SESSION = ByMode(
    only={
        "customer_creation": ("payment", "setup"),
        "line_items.*.price_data.recurring": ("payment", "subscription"),
        "payment_intent_data": ("payment",),
        "payment_method_collection": ("subscription",),
        "submit_type": ("payment", "subscription"),
        "subscription_data": ("subscription",),
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
                            "recurring": RECURRING,
                        },
                    ),
                }
            ),
        ),
        "success_url": Url(required=True),
        "cancel_url": Url(),
        "client_reference_id": Text(longest=200),
        "customer": Text(),
        "customer_creation": Choice(values=("always", "if_required")),
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
        "payment_method_collection": Choice(values=("always", "if_required")),
        "subscription_data": Table(
            of={
                "billing_mode": Table(of={"type": Choice(required=True, values=("classic", "flexible"))}),
                "description": Text(longest=500),
                "metadata": Metadata(),
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

# What is given every month.
_OF_CUSTOMER: dict[str, Spec] = {
    "description": Text(longest=5000),
    "email": Email(),
    "name": Text(longest=256),
    "phone": Text(longest=20),
    "preferred_locales": Items(of=Text(longest=10), most=10),
    "metadata": Metadata(),
    "expand": EXPAND,
}
CREATE_CUSTOMER = Table(of=_OF_CUSTOMER)
UPDATE_CUSTOMER = Table(of={**_OF_CUSTOMER, "invoice_settings": Table(of={"default_payment_method": Text()})})
CREATE_PRODUCT = Table(
    of={
        "name": Text(required=True, longest=250),
        "description": Text(longest=5000),
        "metadata": Metadata(),
        "expand": EXPAND,
    }
)
_CANCELLATION = Table(
    of={
        "comment": Text(longest=5000),
        "feedback": Choice(
            values=(
                "customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex",
                "too_expensive", "unused",
            )
        ),
    }
)  # fmt: skip
UPDATE_SUBSCRIPTION = Table(
    of={
        "cancel_at": Integer(smallest=0),
        "cancel_at_period_end": Flag(),
        "cancellation_details": _CANCELLATION,
        "default_payment_method": Text(),
        "description": Text(longest=500),
        "items": Items(
            most=20,
            of=Table(
                of={
                    "id": Text(),
                    "quantity": Integer(smallest=0),
                    "price_data": Table(
                        of={
                            "currency": Text(required=True, longest=3),
                            "product": Text(required=True),
                            "recurring": Table(required=True, of=RECURRING.of),
                            "unit_amount": Integer(required=True, smallest=0),
                        }
                    ),
                }
            ),
        ),
        "metadata": Metadata(),
        "pause_collection": Unsettable(
            of=Table(
                of={
                    "behavior": Choice(required=True, values=("keep_as_draft", "mark_uncollectible", "void")),
                    "resumes_at": Integer(smallest=0),
                }
            )
        ),
        "payment_behavior": Choice(
            values=("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
        ),
        "proration_behavior": Choice(values=("always_invoice", "create_prorations", "none")),
        "expand": EXPAND,
    }
)
RESUME_SUBSCRIPTION = Table(
    of={
        "billing_cycle_anchor": Table(of={"type": Choice(required=True, values=("now", "unchanged"))}),
        "payment_behavior": Choice(values=("resume_on_payment_attempt", "resume_on_payment_success")),
        "proration_behavior": Choice(values=("always_invoice", "create_prorations", "none")),
        "expand": EXPAND,
    }
)
CANCEL_SUBSCRIPTION = Table(
    of={"cancellation_details": _CANCELLATION, "invoice_now": Flag(), "prorate": Flag(), "expand": EXPAND}
)
PAYMENT_OF_INVOICE = Table(
    of={"type": Choice(required=True, values=("payment_intent",)), "payment_intent": Text(required=True)}
)
_ENABLED = Table(of={"enabled": Flag(required=True)})
CREATE_CONFIGURATION = Table(
    of={
        "business_profile": Table(
            of={"headline": Text(longest=60), "privacy_policy_url": Url(), "terms_of_service_url": Url()}
        ),
        "default_return_url": Url(),
        "features": Table(
            required=True,
            of={
                "customer_update": Table(
                    of={
                        "enabled": Flag(),
                        "allowed_updates": Items(
                            of=Choice(values=("address", "email", "name", "phone", "shipping", "tax_id")), most=6
                        ),
                    }
                ),
                "invoice_history": _ENABLED,
                "payment_method_update": _ENABLED,
                "subscription_cancel": Table(
                    of={"enabled": Flag(required=True), "mode": Choice(values=("at_period_end", "immediately"))}
                ),
            },
        ),
        "metadata": Metadata(),
        "name": Text(longest=100),
        "expand": EXPAND,
    }
)
CREATE_PORTAL = Table(
    of={
        "configuration": Text(),
        "customer": Text(required=True),
        "flow_data": Table(
            of={
                "type": Choice(required=True, values=("payment_method_update", "subscription_cancel")),
                "after_completion": Table(
                    of={
                        "type": Choice(required=True, values=("hosted_confirmation", "portal_homepage", "redirect")),
                        "redirect": Table(of={"return_url": Url(required=True)}),
                        "hosted_confirmation": Table(of={"custom_message": Text(longest=500)}),
                    }
                ),
                "subscription_cancel": Table(of={"subscription": Text(required=True)}),
            }
        ),
        "locale": Text(longest=10),
        "return_url": Url(),
        "expand": EXPAND,
    }
)
