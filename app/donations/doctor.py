"""The money doctor: is everything there that money needs, and if not, what to do about it, in words.

Of an organization for its owners and managers, of the whole installation for its operator.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from urllib.parse import urlsplit

from flask import current_app

from app.core.clock import now
from app.core.i18n import _, ngettext
from app.core.when import moment
from app.donations import gateway, gateway_money, money_queries, operator_queries
from app.donations.gateway import GatewayError
from app.donations.money_facts import EndpointFacts
from app.donations.operations.inbox import HANDLED_TYPES
from app.organizations.models import Organization
from config import Settings

# An event that waits longer is not on its way any more.
WAITS = dt.timedelta(minutes=15)
# Without a word from Stripe for this long, while gifts are paid, the endpoint is looked at.
SILENCE = dt.timedelta(days=3)
COMPARED_WITHIN = dt.timedelta(hours=36)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `level`: good, look (somebody should look), bad (money does not flow, or is not counted)."""

    level: str
    title: str
    text: str
    remedy: str = ""
    url: str = ""


def _settings() -> Settings:
    found: Settings = current_app.config["SETTINGS"]
    return found


def look_at_mode() -> Finding:
    """Whether gifts can be given online at all, and whether they are real."""
    mode, title = gateway.mode(), _("Payments")
    if mode == "off":
        text = _("Online gifts are off: nobody can give here.")
        return Finding("look", title, text, _("The operator switches them on with PAYMENTS_MODE (docs/money.md)."))
    texts = {
        "demo": _("Demonstration: no card is charged, and nothing is real."),
        "test": _("Stripe's test mode: only test cards work, and nothing is real."),
        "live": _("Live: gifts are real money."),
    }
    return Finding("good", title, texts[mode])


def look_at_keys() -> Finding:
    """Which keys are there, and of which mode. Never the keys themselves."""
    settings, title = _settings(), _("Keys")
    key = settings.stripe_secret_key
    kind = _("live") if key[2:].startswith("_live_") else _("test") if key[2:].startswith("_test_") else _("unknown")
    text = _("The secret key is there (%(kind)s mode).", kind=kind) if key else _("There is no secret key.")
    secret = _("The webhook's secret is there.") if settings.stripe_webhook_secret else _("There is no webhook secret.")
    if not key or not settings.stripe_webhook_secret:
        remedy = _("Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET from Stripe's dashboard, and start again.")
        return Finding("bad", title, f"{text} {secret}", remedy)
    return Finding("good", title, f"{text} {secret}")


def look_at_endpoints() -> list[Finding]:
    """What Stripe says of the endpoints it calls: there, enabled, of the package's API version, with every event we act upon."""
    title = _("Webhook endpoint at Stripe")
    try:
        found = gateway_money.list_webhook_endpoints()
    except GatewayError as error:
        if error.passing:
            return [Finding("look", title, _("Stripe does not answer now."), _("Load this page again in a minute."))]
        text = _("Stripe does not show its endpoints to this key (%(code)s).", code=error.code)
        return [Finding("look", title, text, _("Let the key read webhook endpoints, or compare them by hand."))]
    wanted = [("/stripe/webhook", HANDLED_TYPES)]
    if gateway.connects():
        wanted.append(("/stripe/webhook/connect", HANDLED_TYPES))
    if gateway.mode() == "demo":  # it is told where to send when it starts, and has no dashboard to make an endpoint in
        wanted = [(path, events) for path, events in wanted if _at(path, found) is not None]
    return [_look_at_endpoint(path, events, found) for path, events in wanted]


def _at(path: str, found: list[EndpointFacts]) -> EndpointFacts | None:
    """The endpoint that leads to `path` here. The demo payment server knows this machine by another name than people do."""
    address = f"{_settings().base_url}{path}"
    if gateway.mode() == "demo":
        return next((one for one in found if urlsplit(one.url).path.rstrip("/") == path), None)
    return next((one for one in found if one.url.rstrip("/") == address), None)


def _look_at_endpoint(path: str, events: tuple[str, ...], found: list[EndpointFacts]) -> Finding:
    address = f"{_settings().base_url}{path}"
    title = _("Webhook endpoint %(path)s", path=path)
    endpoint = _at(path, found)
    if endpoint is None:
        return Finding(
            "bad",
            title,
            _("Stripe has no endpoint for %(address)s.", address=address),
            _("Make one in Stripe's dashboard with API version %(version)s.", version=gateway.api_version()),
        )
    if endpoint.status != "enabled":
        remedy = _("Enable it in Stripe's dashboard: until then gifts are counted late, when we look for them.")
        return Finding("bad", title, _("Stripe has switched it off."), remedy)
    if endpoint.connect != path.endswith("/connect"):
        wrong = _("It hears of the installation's own account alone, not of the organizations'.")
        if endpoint.connect:
            wrong = _("It hears of the organizations' accounts, not of the installation's own.")
        remedy = _("Make a new endpoint for the other accounts in Stripe's dashboard, and delete this one.")
        return Finding("bad", title, wrong, remedy)
    version = endpoint.api_version or _("the account's own")
    if endpoint.api_version != gateway.api_version():
        return Finding(
            "bad",
            title,
            _("It speaks API version %(theirs)s, this program %(ours)s.", theirs=version, ours=gateway.api_version()),
            _("Make a new endpoint with version %(ours)s and delete this one.", ours=gateway.api_version()),
        )
    missing = [] if "*" in endpoint.events else sorted(set(events) - set(endpoint.events))
    if missing:
        text = _("It does not send: %(events)s.", events=", ".join(missing))
        return Finding("look", title, text, _("Add these events to the endpoint in Stripe's dashboard."))
    return Finding("good", title, _("There, enabled, API version %(version)s, every event.", version=version))


def look_at_inbox(zone: str = "UTC") -> list[Finding]:
    """What came last, what waits, and what was given up."""
    inbox = operator_queries.read_inbox(waiting_since=now() - WAITS)
    if inbox.last_at is None:
        last = Finding("look", _("Last event"), _("Stripe has not told us anything yet."))
    else:
        said = _("%(at)s (%(type)s)", at=moment(inbox.last_at, zone), type=inbox.last_type)
        level = "look" if inbox.last_at < now() - SILENCE and inbox.paid_since(inbox.last_at) else "good"
        remedy = _("Gifts were paid since. Look at the endpoint in Stripe's dashboard.") if level == "look" else ""
        last = Finding(level, _("Last event"), said, remedy)
    findings = [last]
    if inbox.waiting:
        text = ngettext(
            "%(num)s event waits longer than it should.", "%(num)s events wait longer than they should.", inbox.waiting
        )
        findings.append(
            Finding("bad", _("Events that wait"), text, _("Is the worker running? `flask work-off` does what is due."))
        )
    if inbox.given_up:
        text = ngettext(
            "%(num)s promise about money was given up.", "%(num)s promises about money were given up.", inbox.given_up
        )
        findings.append(Finding("bad", _("Given up"), text, _("See why, and try again."), url="/admin/"))
    if inbox.missing:
        text = ngettext(
            "%(num)s event speaks of something that Stripe does not know.",
            "%(num)s events speak of something that Stripe does not know.",
            inbox.missing,
        )
        remedy = _("Is it the right key? It is asked for every hour, and let go of when that is so for a day.")
        findings.append(Finding("look", _("Not found at Stripe"), text, remedy))
    if inbox.gone:
        which = ", ".join(" ".join(filter(None, (one.type, one.object_id, one.account))) for one in inbox.gone)
        remedy = _(
            "If it was deleted there (a test clock, a customer), all is well: nothing of it was counted. If the key was "
            "another's then, resend these events from Stripe's dashboard, and they count. What is missing until then, "
            "the comparison of the night and `flask ledger verify --with-stripe` name."
        )
        text = _("Stripe does not know any more what these events spoke of: %(which)s.", which=which)
        findings.append(Finding("look", _("Gone at Stripe"), text, remedy))
    if not inbox.waiting and not inbox.given_up and not inbox.missing:
        findings.append(Finding("good", _("Events that wait"), _("None waits, none was given up.")))
    return findings


def look_at_books(organization: Organization | None = None) -> list[Finding]:
    """What does not agree, of one organization or of all (None), and when it was last compared."""
    key = None if organization is None else organization.id
    books = money_queries.read_books(key, gateway.mode())
    # Where each is seen to: the operator works off differences; the rest is the organization's.
    page = "/admin/money" if organization is None else f"/manage/{organization.slug}/money"
    own = "" if organization is None else page
    findings: list[Finding] = []
    if books.mismatches:
        text = ngettext(
            "%(num)s difference between Stripe and the ledger.",
            "%(num)s differences between Stripe and the ledger.",
            books.mismatches,
        )
        remedy = _("Look at each below, and say what it was.")
        findings.append(Finding("bad", _("Differences"), text, remedy, f"{page}#differences"))
    if books.mismatched_gifts:
        text = ngettext(
            "%(num)s gift was paid otherwise than asked, and is not counted.",
            "%(num)s gifts were paid otherwise than asked, and are not counted.",
            books.mismatched_gifts,
        )
        remedy = _("Compare it with its payment in Stripe's dashboard; give it back there, or ask the donor.")
        findings.append(Finding("bad", _("Gifts that do not match"), text, remedy, own and f"{own}#mismatched"))
    if books.failed_refunds:
        text = ngettext("%(num)s refund did not arrive.", "%(num)s refunds did not arrive.", books.failed_refunds)
        remedy = _("Open the gift: it says whether to make it in Stripe's dashboard, or to ask the donor.")
        findings.append(Finding("look", _("Refunds"), text, remedy, f"{page}#refunds"))
    if books.failed_payouts:
        text = ngettext(
            "%(num)s payout did not arrive at the bank.",
            "%(num)s payouts did not arrive at the bank.",
            books.failed_payouts,
        )
        remedy = _("Correct the bank account in Stripe's dashboard; Stripe pays out again then.")
        findings.append(Finding("bad", _("Payouts"), text, remedy, own and f"{own}#payouts"))
    if books.cut_off:
        text = ngettext(
            "%(num)s monthly gift ran when its account was disconnected. Stripe may go on charging its donor.",
            "%(num)s monthly gifts ran when their account was disconnected. Stripe may go on charging their donors.",
            books.cut_off,
        )
        remedy = _("Cancel the subscriptions in the dashboard of the disconnected account: we cannot from here.")
        findings.append(Finding("bad", _("Monthly gifts"), text, remedy))
    if not findings:
        findings.append(Finding("good", _("Differences"), _("Nothing that we know differs from Stripe.")))
    findings.append(_look_at_comparison(books))
    return findings


def _look_at_comparison(books: money_queries.Books) -> Finding:
    title = _("Nightly comparison")
    if books.compared_at is None:
        return Finding("good", title, _("It begins with the first gift that is a few hours old."))
    text = _("Last done %(at)s.", at=moment(books.compared_at, "UTC"))
    if books.compared_at < now() - COMPARED_WITHIN:
        return Finding("bad", title, text, _("Is the worker running, and does Stripe answer? See the log."))
    return Finding("good", title, text)


def of_organization(organization: Organization) -> list[Finding]:
    """What its owners and managers can know, and do something about."""
    return [look_at_mode(), *look_at_books(organization)]


def of_installation() -> list[Finding]:
    """Everything, for the operator. Asks Stripe; call it outside a transaction."""
    mode = look_at_mode()
    if not gateway.is_on():
        return [mode]
    return [mode, look_at_keys(), *look_at_endpoints(), *look_at_inbox(), *look_at_books()]
