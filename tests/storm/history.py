"""What happens at Stripe: gifts of every fate on four accounts, months of monthly gifts, what goes back of them and out to banks,
and the events that tell of it all. One account answers for a while as if it were not ours."""

from __future__ import annotations

import collections
import contextlib
import datetime as dt
import random
import time
from typing import Any

import sqlalchemy as sa
import stripe

from app.core.clock import now, today
from app.core.db import db, transaction
from app.core.errors import Refused
from app.core.money import Money
from app.donations import checkout, operations
from app.donations.accounts_models import PaymentAccount
from app.donations.gateway import GatewayError
from app.donations.models import Donation
from app.donations.monthly import change_amount
from app.donations.monthly_models import MonthlyGift
from app.donations.operations.inbox import HANDLED_TYPES
from app.donations.operations.monthly import begin as begin_monthly
from app.fundraisers.matching import promise_match
from app.organizations.models import Organization
from tests.donations.stripe_server import KEY, StripeServer
from tests.factories import make_fundraiser, make_organization

CURRENCIES = (("USD", "US"), ("JPY", "JP"), ("EUR", "DE"), ("GBP", "GB"))
# Whose account answers for a while as if it were not ours.
AWAY = "GBP"
SPONSORED = 50_000
MONTHLY = 0.15
# What payers and banks do, and how often of a hundred.
FATES = (
    (("pay",), 66), (("decline", "pay"), 8), (("pay_later", "bank_confirms"), 8), (("pay_later", "bank_refuses"), 5),
    (("pay_later",), 4), (("decline",), 4), (("expire",), 3), ((), 2),
)  # fmt: skip
# A monthly gift's first payment; the last two are decided in the next wave.
FIRST_MONTHS = (
    ("pay",), ("pay",), ("decline", "pay"), ("pay_later", "bank_confirms"), ("pay_later", "bank_refuses"), ("pay_later",), (),
)  # fmt: skip
# What becomes, a wave later, of monthly gifts that run: in turn.
LATER = ("bank", "end", "amount", "bank", "end unpaid")
# What comes after, of a hundred gifts that were paid; only what the application acts upon yet.
AFTERWARDS = (
    ("refund", "refund.created", 8), ("part", "refund.created", 8), ("refund_fails", "refund.failed", 4),
    ("lose", "charge.dispute.closed", 4), ("win", "charge.dispute.funds_reinstated", 4), ("inquiry", "charge.dispute.created", 2),
)  # fmt: skip
# What becomes of a payout: some are called paid before the bank sends them back.
AT_THE_BANK = ((("arrive",), 70), (("fail",), 15), (("arrive", "fail"), 15))
TO_THE_BANK = ("payout", "payout_failure", "payout_cancel")
NOISE = (
    "customer.created",
    "payment_method.attached",
    "balance.available",
    "checkout.session.completed",
    "payout.created",
)


class History:
    """Makes gifts here and lets things happen to them there."""

    def __init__(self, server: StripeServer, seed: int) -> None:
        self.server = server
        self.random = random.Random(seed)
        self.accounts: dict[str, str] = {}  # account -> currency
        self._fundraisers: list[tuple[int, str]] = []
        self._paid: list[tuple[str, int]] = []  # charge, amount: nothing came of it yet
        self._whole: list[tuple[int, str, int]] = []  # donation, charge, amount: nothing will by itself
        self._ordered: list[str] = []  # sessions of first months that a bank has to confirm
        self._at_bank: list[tuple[str, str, str]] = []  # months that a bank has to confirm: customer, invoice, account
        self._running: list[tuple[int, str, str, str]] = []  # donation, subscription, customer, account
        self._turn = 0
        self.away = ""
        self.is_away = False
        # How often what is rare has happened.
        self.met: collections.Counter[str] = collections.Counter()
        self._renamed = False
        self._seen: dict[str, str] = {}
        direct = stripe.HTTPClient._Proxy(http=None, https=None)
        self._stripe = stripe.StripeClient(
            KEY, base_addresses={"api": server.address}, http_client=stripe.RequestsClient(timeout=20, proxy=direct)
        )

    def open_accounts(self) -> None:
        """An organization, its ready account and its fundraiser, for each currency."""
        for currency, country in CURRENCIES:
            account = self._stripe.v1.accounts.create({"country": country}, {"idempotency_key": f"storm-{country}"}).id
            self.server.act_on_account(account, "ready")
            fundraiser = make_fundraiser(make_organization(currency=currency))
            with transaction():
                db.session.add(
                    PaymentAccount(
                        organization_id=fundraiser.organization_id,
                        mode="test",
                        stripe_account_id=account,
                        country=country,
                        currency=currency,
                        charges_enabled=True,
                        payouts_enabled=True,
                        details_submitted=True,
                        checked_at=now(),
                        created_at=now(),
                    )
                )
            day = today(fundraiser.organization.time_zone)
            with transaction():
                # Doubles what is given until it runs out, which it does in every storm.
                promise_match(
                    fundraiser.id,
                    by=fundraiser.started_by,
                    sponsor="Corner Bakery",
                    cap=Money(SPONSORED, currency),
                    starts_on=day,
                    ends_on=day + dt.timedelta(days=2),
                )
            self.accounts[account] = currency
            if currency == AWAY:
                self.away = account
            self._fundraisers.append((fundraiser.id, currency))

    def go_on(self, gifts: int) -> None:
        """More gifts, each with its fate, and something afterwards for some that were paid, now and in the waves before."""
        if self.is_away:
            self.server.act_on_account(self.away, "come_back")
            self.is_away = False
        self._banks_decide()
        self._months_go_on()
        self._give_back_at_once()
        fates, weights = zip(*FATES, strict=True)
        for number in range(gifts):
            # The first of each wave are what something rare comes of later, whatever is drawn: two are monthly, one is of the
            # account that will be away, two are given back.
            fundraiser_id, currency = self.random.choice(
                self._fundraisers[: -1 if self.met["away"] or number < 5 else None]
            )
            if number == 2 and not self.met["away"]:
                fundraiser_id, currency = self._fundraisers[-1]
            amount = Money(self.random.randrange(500, 20_000), currency)
            with transaction():
                donation = operations.giving.start_donation(
                    fundraiser_id,
                    amount=amount,
                    name="Rosa Delgado",
                    email="rosa@example.org",
                    mode="test",
                    connect=True,
                )
                if monthly := number < 2 or (number > 4 and self.random.random() < MONTHLY):
                    begin_monthly(donation)
                donation_id = donation.id
            self._open(donation_id)
            found = db.session.get_one(Donation, donation_id)
            session, account = str(found.stripe_session_id), str(found.account)
            db.session.rollback()
            acts = self.random.choices(fates, weights)[0]
            if number < 5:
                acts = ("pay",)
            elif monthly:
                acts = self.random.choice(FIRST_MONTHS)
            for act in acts:
                if act == "expire":
                    options: stripe.RequestOptions = {"stripe_account": account, "idempotency_key": f"storm-{session}"}
                    self._stripe.v1.checkout.sessions.expire(session, {}, options)
                else:
                    self.server.act(session, act)
            if monthly and acts[-1:] == ("pay_later",):
                self._ordered.append(session)
            elif monthly and acts and acts[-1] != "bank_refuses":
                self._months(session, account, donation_id, stays=number < 2)
                if not number:
                    self._let_of_months()
            elif acts and acts[-1] in ("pay", "bank_confirms"):
                made: Any = self._stripe.v1.checkout.sessions.retrieve(session, {}, {"stripe_account": account})
                self._note_paid(made.payment_intent, account)
                if number in (3, 4):
                    self._whole.append((donation_id, *self._paid.pop()))
        self.server.settle()
        self._afterwards()
        self._pay_out()

    def _open(self, donation_id: int) -> None:
        """Open the payment page; once the answer is lost on the way, and the organization has another name when it is asked for
        again."""
        if not self._renamed:
            self._renamed = True
            self.server.hook("POST", "faults", {"mode": "drop", "method": "POST", "path": "/sessions", "times": 3})
            with contextlib.suppress(GatewayError):
                checkout.open_checkout(donation_id)
                raise RuntimeError("no answer was lost")
            with transaction():
                found = db.session.get_one(Donation, donation_id)
                db.session.get_one(Organization, found.organization_id).name = "Renamed Meanwhile"
        checkout.open_checkout(donation_id)

    def _note_paid(self, payment_id: str, account: str) -> None:
        intent: Any = self._stripe.v1.payment_intents.retrieve(payment_id, {}, {"stripe_account": account})
        self._paid.append((str(intent.latest_charge), intent.amount))

    def _note_month(self, invoice_id: str, account: str) -> None:
        """A month of a monthly gift: refunds and disputes of it may be heard of before the month itself."""
        invoice: Any = self._stripe.v1.invoices.retrieve(
            invoice_id, {"expand": ["payments"]}, {"stripe_account": account}
        )
        if invoice.status == "paid":
            self._note_paid(str(invoice.payments.data[0].payment.payment_intent), account)

    def _pay_out(self) -> None:
        """What stands in each account leaves for its bank."""
        fates, weights = zip(*AT_THE_BANK, strict=True)
        for account in self.accounts:
            for payout in self.server.hook("POST", "pay_out", {"account": account})["data"]:
                for act in self.random.choices(fates, weights)[0]:
                    self.server.hook("POST", f"payouts/{payout['id']}/{act}", {})

    def _months(self, session_id: str, account: str, donation_id: int, *, stays: bool) -> None:
        """A monthly gift's next months: some with a card that fails first, some until it is stopped at Stripe."""
        options: stripe.RequestOptions = {"stripe_account": account}
        session: Any = self._stripe.v1.checkout.sessions.retrieve(session_id, {}, options)
        hook = self.server.hook
        for _month in range(self.random.randrange(1, 4)):
            fails = self.random.random() < 0.3
            if fails:  # whatever it was paid with before
                hook("POST", f"customers/{session.customer}/new_method", {"type": "card"})
            hook("POST", f"customers/{session.customer}/card", {"works": not fails})
            invoice = hook("POST", f"subscriptions/{session.subscription}/renew", {})["invoice"]
            hook("POST", f"customers/{session.customer}/card", {"works": True})
            if fails:
                hook("POST", f"invoices/{invoice['id']}/retry", {})
            self._note_month(invoice["id"], account)
        self._note_month(session.invoice, account)
        if not stays and self.random.random() < 0.3:
            self._stripe.v1.subscriptions.cancel(session.subscription, {}, options)
        elif account != self.away:
            self._running.append((donation_id, session.subscription, session.customer, account))

    def vanish(self) -> None:
        """One account answers as if it were not ours, until the next wave: an operator has put in another platform's key."""
        self.server.act_on_account(self.away, "vanish")
        self.is_away = True
        self.met["away"] += 1

    def _banks_decide(self) -> None:
        """Days later, banks say of months what they have to say; some are paid in another way then."""
        hook = self.server.hook
        for session in self._ordered:
            self.server.act(session, self.random.choice(("bank_confirms", "bank_refuses")))
            self.met["first month late"] += 1
        self._ordered.clear()
        for place, (customer, invoice, account) in enumerate(self._at_bank):
            fails = place % 2 == 0
            hook("POST", f"invoices/{invoice}/bank/{'refuses' if fails else 'confirms'}", {})
            hook("POST", f"customers/{customer}/new_method", {"type": "card"})
            if fails and self.random.random() < 0.5:
                hook("POST", f"invoices/{invoice}/retry", {})
            self.met["month late"] += 1
            self._note_month(invoice, account)
        self._at_bank.clear()

    def _months_go_on(self) -> None:
        """Monthly gifts of the waves before: a month is ordered from a bank, the amount is changed while a month is not paid, and
        some end in the dashboard, of which their donors know nothing."""
        hook, running, self._running = self.server.hook, self._running, []
        for donation_id, subscription, customer, account in running:
            what = LATER[self._turn % len(LATER)]
            self._turn += 1
            self.met[what] += 1
            options: stripe.RequestOptions = {"stripe_account": account}
            if what == "bank":
                hook("POST", f"customers/{customer}/new_method", {"type": "us_bank_account"})
                invoice = hook("POST", f"subscriptions/{subscription}/renew", {})["invoice"]
                self._at_bank.append((customer, invoice["id"], account))
                if self.random.random() < 0.7:
                    self._running.append((donation_id, subscription, customer, account))
                    continue
            hook("POST", f"customers/{customer}/card", {"works": False})
            if what in ("amount", "end unpaid"):
                invoice = hook("POST", f"subscriptions/{subscription}/renew", {})["invoice"]
            if what != "amount":
                self._stripe.v1.subscriptions.cancel(subscription, {}, options)
            self._change_amount(donation_id)
            if what == "amount":
                hook("POST", f"customers/{customer}/new_method", {"type": "card"})
                hook("POST", f"invoices/{invoice['id']}/retry", {})
                self._note_month(invoice["id"], account)

    @staticmethod
    def _change_amount(donation_id: int) -> None:
        """The donor gives a little more from the next month on, when it still runs."""
        gift = db.session.get_one(MonthlyGift, db.session.get_one(Donation, donation_id).monthly_gift_id)
        key, amount = gift.id, Money(gift.amount_minor + 100, gift.currency)
        is_live = gift.is_live
        db.session.rollback()
        if is_live:
            with contextlib.suppress(Refused):
                change_amount(key, amount)

    def _give_back_at_once(self) -> None:
        """Of a gift, staff and the dashboard give back a part each at the same moment; of another the dashboard gives back all
        just before staff do, of which nobody has heard."""
        hook = self.server.hook
        for place, (donation_id, charge, amount) in enumerate(self._whole):
            way = ("both", "dashboard first")[place % 2]
            self.met[way] += 1
            checkout.fulfil(donation_id)  # the donor has come back meanwhile
            currency = db.session.get_one(Donation, donation_id).currency
            db.session.rollback()
            if way == "dashboard first":
                refund = hook("POST", f"charges/{charge}/refund", {})
            with transaction():
                part = Money(amount // 3, currency)
                operations.refunds.start_refund(donation_id, amount=part, by=None, mode="test")
            if way == "both":
                refund = hook("POST", f"charges/{charge}/refund", {"amount": amount // 3})
            if refund["status"] == "pending":
                hook("POST", f"refunds/{refund['id']}/succeed", {})
        self._whole.clear()

    def _let_of_months(self) -> None:
        """A part of a month goes back, and a bank takes another for good."""
        self.server.settle()
        for what in ("part", "lose"):
            self._let(what, *self._paid.pop())

    def _afterwards(self) -> None:
        for charge, amount in self._paid:
            drawn = self.random.randrange(100)
            for what, needs, share in AFTERWARDS:
                if drawn < share:
                    if needs in HANDLED_TYPES:
                        self._let(what, charge, amount)
                    break
                drawn -= share
        self._paid.clear()

    def _let(self, what: str, charge: str, amount: int) -> None:
        part = amount // self.random.randrange(2, 5)
        hook = self.server.hook
        if what in ("refund", "part", "refund_fails"):
            refund = hook("POST", f"charges/{charge}/refund", {"amount": part} if what == "part" else {})
            if refund["status"] == "pending" and what != "refund_fails":
                hook("POST", f"refunds/{refund['id']}/succeed", {})
            if what == "refund_fails":
                hook("POST", f"refunds/{refund['id']}/fail", {})
        elif what == "inquiry":
            hook("POST", f"charges/{charge}/dispute", {"inquiry": True})
        else:
            dispute = hook(
                "POST", f"charges/{charge}/dispute", {"amount": part if self.random.random() < 0.5 else amount}
            )
            hook("POST", f"disputes/{dispute['id']}/{what}", {})

    def new_events(self) -> list[dict[str, Any]]:
        """What happened since this was asked last."""
        found = []
        for account in self.accounts:
            while account != self.away or not self.is_away:
                before = f"&ending_before={self._seen[account]}" if account in self._seen else ""
                if before:
                    page = self.server.call("GET", f"/v1/events?limit=100{before}", account=account)["data"]
                else:
                    page = self.server.events(account)[::-1]
                if not page:
                    break
                found += page
                self._seen[account] = page[0]["id"]
        return found

    def noise(self, number: int) -> dict[str, Any]:
        """An event nobody acts upon: of another type, of the other mode, or of an account that is not ours."""
        kind = self.random.choice(NOISE)
        acted_upon = kind in HANDLED_TYPES
        return {
            "id": f"evt_noise{number}",
            "object": "event",
            "account": "acct_of_somebody_else" if acted_upon else self.random.choice(list(self.accounts)),
            "api_version": stripe.api_version,
            "created": int(time.time()),
            "data": {"object": {"id": f"obj_{number}", "object": "thing"}},
            "livemode": not acted_upon and number % 50 == 0,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }

    # What is true at the end, by Stripe's own books.
    def _all(self, path: str, account: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            after = f"&starting_after={found[-1]['id']}" if found else ""
            page = self.server.call("GET", f"/v1/{path}?limit=100{after}", account=account)
            found += page["data"]
            if not page["has_more"]:
                return found

    def books(self, account: str) -> dict[str, int]:
        """Sums of the account in its currency: what ours must be, by the names of our ledger's accounts."""
        booked = self._all("balance_transactions", account)
        charges = [one for one in self._all("charges", account) if one["status"] == "succeeded"]
        refunds = [one for one in self._all("refunds", account) if one["status"] != "failed"]
        disputed = [one for one in booked if one["reporting_category"] in ("dispute", "dispute_reversal")]
        return {
            "donations": -sum(one["amount"] for one in charges),
            "fees": sum(one["fee"] for one in booked),
            "refunds": sum(one["amount"] for one in refunds),
            "disputes": -sum(one["amount"] for one in disputed),
            "stripe_clearing": sum(one["net"] for one in booked),
            "in_transit_to_bank": -sum(one["amount"] for one in booked if one["type"] in TO_THE_BANK),
        }

    def statuses(self, account: str) -> dict[str, str]:
        """What each of our gifts on the account must have become, by its session."""
        intents = {one["id"]: one["status"] for one in self._all("payment_intents", account)}
        months = {one["invoice"]: one["payment"]["payment_intent"] for one in self._all("invoice_payments", account)}
        found = {}
        for session in self._all("checkout/sessions", account):
            session["payment_intent"] = session["payment_intent"] or months.get(session["invoice"])
            if session["payment_status"] == "paid":
                status = "paid"
            elif session["status"] in ("open", "expired"):
                status = {"open": "pending", "expired": "expired"}[session["status"]]
            else:
                status = "processing" if intents[session["payment_intent"]] == "processing" else "failed"
            found[session["id"]] = status
        return found


# What sponsors owe is nothing that Stripe knows of; `flask verify` proves it.
NOT_AT_STRIPE = ("match_promised", "matches")


def our_books() -> dict[tuple[str, str], dict[str, int]]:
    """Sums of our ledger by payment account and currency."""
    from app.donations.models import LedgerEntry

    query = (
        sa.select(
            PaymentAccount.stripe_account_id,
            LedgerEntry.currency,
            LedgerEntry.account,
            sa.func.sum(LedgerEntry.amount_minor),
        )
        .join(PaymentAccount, PaymentAccount.organization_id == LedgerEntry.organization_id)
        .where(LedgerEntry.account.not_in(NOT_AT_STRIPE))
        .group_by(PaymentAccount.stripe_account_id, LedgerEntry.currency, LedgerEntry.account)
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for account, currency, name, total in db.session.execute(query):
        found.setdefault((str(account), currency), {})[name] = int(total)
    return found
