"""Connected accounts: made by the platform, set up on a page of their own, and the gate of the Stripe-Account header.

https://docs.stripe.com/api/accounts, https://docs.stripe.com/api/account_links and
https://docs.stripe.com/connect/handling-api-verification. Every function runs inside one transaction of the store.
"""

from __future__ import annotations

from typing import Any

from deploy.demo_payments.errors import ApiError
from deploy.demo_payments.payments import APPLICATION, NOBODY, Cause, Payments
from deploy.demo_payments.store import PLATFORM, Store, Thing, new_id

PLATFORM_ID = "acct_1DemoPlatform00"
LINK_SECONDS = 5 * 60
DAY = 24 * 60 * 60
# Countries where accounts can be, with the currency they settle in (https://stripe.com/global).
CURRENCIES = {
    "AE": "aed", "AT": "eur", "AU": "aud", "BE": "eur", "BG": "eur", "BR": "brl", "CA": "cad", "CH": "chf",
    "CY": "eur", "CZ": "czk", "DE": "eur", "DK": "dkk", "EE": "eur", "ES": "eur", "FI": "eur", "FR": "eur",
    "GB": "gbp", "GI": "gbp", "GR": "eur", "HK": "hkd", "HR": "eur", "HU": "huf", "IE": "eur", "IN": "inr", "IT": "eur",
    "JP": "jpy", "LI": "chf", "LT": "eur", "LU": "eur", "LV": "eur", "MT": "eur", "MX": "mxn", "MY": "myr", "NL": "eur",
    "NO": "nok", "NZ": "nzd", "PL": "pln", "PT": "eur", "RO": "ron", "SE": "sek", "SG": "sgd", "SI": "eur", "SK": "eur",
    "TH": "thb", "US": "usd",
}  # fmt: skip
UNSTARTED = ("business_profile.url", "business_type", "external_account", "tos_acceptance.date", "tos_acceptance.ip")
ACTS = ("ready", "due", "restrict", "deauthorize", "vanish", "come_back")


def admit(store: Store, account: str) -> str:
    """The account that the Stripe-Account header names. Raises ApiError when it is none of this platform's."""
    with store.acting_as(PLATFORM):
        found = store.find("account", account)
    if account == PLATFORM_ID:
        return PLATFORM
    if found is None or found["_deauthorized"]:
        raise _no_access(account)
    return account


def _no_access(account: str) -> ApiError:
    return ApiError(
        f"The provided key does not have access to account '{account}' (or that account does not exist). Application"
        " access may have been revoked.",
        status=403,
        code="account_invalid",
    )


def get(payments: Payments, account: str) -> Thing:
    """The account as its platform or it itself sees it. Raises ApiError as for any account that is not theirs."""
    store = payments.store
    if account == PLATFORM_ID:
        return platform(payments)
    asking = store.account
    with store.acting_as(PLATFORM):
        found = store.find("account", account)
    if found is None or found["_deauthorized"] or asking not in (PLATFORM, account):
        raise _no_access(account)
    return found


def platform(payments: Payments) -> Thing:
    """The platform's own account, which can do everything."""
    made = _new(PLATFORM_ID, {"country": "US", "business_profile": {"name": "The installation itself"}}, 0)
    _make_ready(made)
    return made | {"created": payments.store.now(), "controller": {"type": "account"}, "type": "standard"}


def create(payments: Payments, asked: Thing) -> Thing:
    """A new connected account, of which everything is still due. Raises ApiError."""
    if payments.store.account != PLATFORM:
        raise ApiError("You can only create new accounts if you've signed up for Connect.", status=400)
    if "type" in asked and "controller" in asked:
        raise ApiError("You may not provide the `type` parameter and `controller` parameters simultaneously.")
    _check_controller(asked.get("controller", {}))
    country = asked.get("country", "US")
    if country not in CURRENCIES:
        raise ApiError(
            f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code.", param="country"
        )
    return payments.store.add(_new(new_id("acct_1", 15), asked, payments.store.now()))


def _check_controller(controller: Thing) -> None:
    fees = controller.get("fees", {}).get("payer", "account")
    losses = controller.get("losses", {}).get("payments", "stripe")
    dashboard = controller.get("stripe_dashboard", {}).get("type", "full")
    collects = controller.get("requirement_collection", "stripe")
    if losses == "application" and fees != "application":
        raise ApiError(
            "When `controller[losses][payments]=application`, `controller[fees][payer]` must be `application`.",
            param="controller[fees][payer]",
        )
    if dashboard == "full" and losses == "application":
        message = "Platforms cannot be liable for losses of accounts with the full Stripe Dashboard."
        raise ApiError(message, param="controller[losses][payments]")
    if dashboard != "none" and collects == "application":
        message = "Platforms can collect requirements only of accounts without a Stripe-hosted dashboard."
        raise ApiError(message, param="controller[requirement_collection]")


def _new(account_id: str, asked: Thing, now: int) -> Thing:
    controller, kind = _controller(asked)
    capabilities = {name: "inactive" for name, value in asked.get("capabilities", {}).items() if value.get("requested")}
    country = asked.get("country", "US")
    profile: Thing = dict.fromkeys(
        ("annual_revenue", "estimated_worker_count", "mcc", "name", "product_description", "support_address",
         "support_email", "support_phone", "support_url", "url")
    )  # fmt: skip
    return {
        "id": account_id,
        "object": "account",
        "business_profile": profile | asked.get("business_profile", {}),
        "business_type": asked.get("business_type"),
        "capabilities": capabilities or {"card_payments": "inactive", "transfers": "inactive"},
        "charges_enabled": False,
        "controller": controller,
        "country": country,
        "created": now,
        "default_currency": asked.get("default_currency", CURRENCIES[country]),
        "details_submitted": False,
        "email": asked.get("email"),
        "external_accounts": {
            "object": "list", "data": [], "has_more": False, "total_count": 0,
            "url": f"/v1/accounts/{account_id}/external_accounts",
        },
        "future_requirements": _requirements(()),
        "metadata": asked.get("metadata", {}),
        "payouts_enabled": False,
        "requirements": _requirements(UNSTARTED, past=UNSTARTED, disabled="requirements.past_due"),
        "settings": {
            "branding": dict.fromkeys(("icon", "logo", "primary_color", "secondary_color")),
            "card_payments": {
                "decline_on": {"avs_failure": False, "cvc_failure": False},
                **dict.fromkeys(
                    ("statement_descriptor_prefix", "statement_descriptor_prefix_kana", "statement_descriptor_prefix_kanji")
                ),
            },
            "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
            "payments": dict.fromkeys(("statement_descriptor", "statement_descriptor_kana", "statement_descriptor_kanji")),
            "payouts": {
                "debit_negative_balances": True,
                "schedule": {"delay_days": 2, "interval": "daily"},
                "statement_descriptor": None,
            },
        },
        "tos_acceptance": {"date": None},
        "type": kind,
        "_deauthorized": False,
        "_settles_in": None,
    }  # fmt: skip


def _controller(asked: Thing) -> tuple[Thing, str]:
    """The controller as shown, and the old word for it."""
    given = asked.get("controller", {})
    dashboard = {"standard": "full", "express": "express", "custom": "none"}.get(asked.get("type", ""))
    dashboard = dashboard or given.get("stripe_dashboard", {}).get("type", "full")
    fees, losses = given.get("fees", {}).get("payer", "account"), given.get("losses", {}).get("payments", "stripe")
    collects = given.get("requirement_collection", "stripe")
    if asked.get("type") in ("express", "custom"):
        fees, losses = f"application_{asked['type']}", "application"
        collects = "application" if asked["type"] == "custom" else "stripe"
    kind = "standard" if (dashboard, fees, losses) == ("full", "account", "stripe") else asked.get("type", "none")
    controller = {
        "fees": {"payer": fees},
        "is_controller": True,
        "losses": {"payments": losses},
        "requirement_collection": collects,
        "stripe_dashboard": {"type": dashboard},
        "type": "application",
    }
    return controller, kind


def _requirements(due: tuple[str, ...], *, past: tuple[str, ...] = (), disabled: str | None = None) -> Thing:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": list(due),
        "disabled_reason": disabled,
        "errors": [],
        "eventually_due": list(due),
        "past_due": list(past),
        "pending_verification": [],
    }


def update(payments: Payments, account: Thing, asked: Thing, cause: Cause) -> Thing:
    """Change what the platform may change. Raises ApiError."""
    before = dict(account)
    for name in ("business_type", "default_currency", "email"):
        if name in asked:
            account[name] = asked[name]
    account["business_profile"] = account["business_profile"] | asked.get("business_profile", {})
    if "metadata" in asked:
        account["metadata"] = {**account["metadata"], **asked["metadata"]} if asked["metadata"] else {}
    for name, value in asked.get("capabilities", {}).items():
        active = "active" if account["charges_enabled"] else "inactive"
        if value.get("requested"):
            account["capabilities"].setdefault(name, active)
        else:
            account["capabilities"].pop(name, None)
    return _tell(payments, before, account, cause)


def _tell(payments: Payments, before: Thing, account: Thing, cause: Cause = NOBODY) -> Thing:
    """Keep an account that changed, and tell its platform through the account's own events."""
    previous = {name: before[name] for name in account if not name.startswith("_") and before[name] != account[name]}
    with payments.store.acting_as(PLATFORM):
        payments.store.save(account)
    if previous:
        with payments.store.acting_as(account["id"]):
            payments.emit("account.updated", account, cause, previous)
    return account


# What happens on the page of the account.
def link(payments: Payments, asked: Thing) -> Thing:
    """A page on which the account is set up, good for minutes and for one use. Raises ApiError."""
    account = get(payments, asked["account"])
    if asked["type"] == "account_update" and account["controller"].get("requirement_collection") != "application":
        raise ApiError(
            "You cannot create `account_update` type Account Links for this account. Valid types are: ['account_onboarding'].",
            param="type",
        )
    for name in ("return_url", "refresh_url"):
        if name not in asked:
            raise ApiError(f"Missing required param: {name}.", code="parameter_missing", param=name)
    now, link_id = payments.store.now(), new_id("alnk_", 24)
    return payments.store.add(
        {
            "id": link_id,
            "object": "account_link",
            "created": now,
            "expires_at": now + LINK_SECONDS,
            "url": f"{payments.base_url}/setup/{link_id}",
            "_account": account["id"],
            "_used": False,
            "_return_url": asked["return_url"],
            "_refresh_url": asked["refresh_url"],
        }
    )


def is_spent(payments: Payments, found: Thing) -> bool:
    """True when an account link leads nowhere any more: used, too old, or for an account that left the platform."""
    with payments.store.acting_as(PLATFORM):
        account = payments.store.find("account", found["_account"])
    return found["_used"] or found["expires_at"] < payments.store.now() or account is None or account["_deauthorized"]


def login_link(payments: Payments, account: Thing) -> Thing:
    """The way into the Express Dashboard. Raises ApiError for accounts that have another."""
    if account["controller"].get("stripe_dashboard", {}).get("type") != "express":
        raise ApiError("Cannot create a login link for an account that is not an Express account.")
    if not account["details_submitted"]:
        raise ApiError("Cannot create a login link for an account that has not completed onboarding.")
    url = f"{payments.base_url}/accounts/{account['id']}"
    return {"object": "login_link", "created": payments.store.now(), "url": url}


def act(payments: Payments, account: Thing, what: str) -> Thing:
    """One of ACTS, which people choose on the account's page."""
    before = dict(account)
    if what == "deauthorize":
        return _deauthorize(payments, account)
    if what in ("vanish", "come_back"):  # as with another platform's key: nobody is told
        with payments.store.acting_as(PLATFORM):
            return payments.store.save(account | {"_deauthorized": what == "vanish"})
    if what == "ready":
        _make_ready(account)
    elif what == "due":
        # Asked for more, in time: gifts come in, and nothing is paid out before it is shown.
        _make_ready(account)
        due = ("company.tax_id", "external_account")
        account["requirements"] = _requirements(due) | {"current_deadline": payments.store.now() + 14 * DAY}
        account["payouts_enabled"] = False
    elif what == "restrict":
        shown = ("individual.verification.document",)
        account |= {"details_submitted": True, "charges_enabled": False, "payouts_enabled": False}
        account["capabilities"] = dict.fromkeys(account["capabilities"], "inactive")
        account["requirements"] = _requirements(shown, past=shown, disabled="requirements.past_due")
    return _tell(payments, before, account)


def _make_ready(account: Thing) -> None:
    account |= {"details_submitted": True, "charges_enabled": True, "payouts_enabled": True}
    account["capabilities"] = dict.fromkeys(account["capabilities"], "active")
    account["requirements"] = _requirements(())


def _deauthorize(payments: Payments, account: Thing) -> Thing:
    account["_deauthorized"] = True
    with payments.store.acting_as(PLATFORM):
        payments.store.save(account)
    application: dict[str, Any] = {"id": APPLICATION, "object": "application", "name": "Demonstration"}
    with payments.store.acting_as(account["id"]):
        payments.emit("account.application.deauthorized", application)
    return account
