"""Giving through the pages: the form, the payment page, coming back, and everything that can go wrong on the way (F1-F9)."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import email
import email.policy
import re
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from structlog.testing import capture_logs

from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.outbox import Outbox
from app.donations import checks, reconciling
from app.donations.models import Donation
from app.donations.queries import donation_token, list_public_donations, totals
from app.fundraisers.models import Fundraiser
from app.fundraisers.operations import decline_fundraiser, end_fundraiser
from app.organizations.models import Organization
from tests.conftest import CheckingClient
from tests.donations.conftest import Giving, WorkOff, ledger_table
from tests.factories import make_fundraiser, make_member, make_organization, make_person


def count_donations() -> int:
    """How many donations there are."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(Donation)) or 0


def test_a_donor_gives_without_an_account_and_is_thanked(
    giving: Giving, work_off: WorkOff, capsys: pytest.CaptureFixture[str]
) -> None:
    given = giving.give("25", anonymous="no", message="Sleep well.")
    assert "Thank you" not in giving.client.get(f"/donations/{given.token}").get_data(as_text=True)
    giving.act(given, "pay")
    giving.settle()
    giving.deliver_all()
    capsys.readouterr()
    work_off()
    giving.check()
    page = giving.client.get(f"/donations/{given.token}").get_data(as_text=True)
    assert "Thank you" in page
    assert "$25" in page
    # What moved the donor may be passed on; where it speaks of abuse, the step asks to pause (L1).
    step = f"/share/fundraiser/{giving.fundraiser().slug}"
    assert f'href="{step}"' in page
    assert "Before you share" not in giving.client.get(step).get_data(as_text=True)
    written = capsys.readouterr().err.split("--- mail\n")[1].split("\n---\n")[0]
    mail = email.message_from_string(written, policy=email.policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    assert mail["To"] == "rosa@example.org"
    assert "$25" in mail["Subject"]
    assert "Demonstration" in mail["Subject"]
    assert giving.fundraiser().title in body.get_content()
    assert "is no receipt" in body.get_content()
    assert f"/donations/{given.token}" in body.get_content()
    shown = giving.client.get(f"/fundraisers/{giving.fundraiser().slug}").get_data(as_text=True)
    assert "Rosa Delgado" in shown
    assert "Sleep well." in shown
    assert "given by 1 person" in shown


@pytest.mark.rule("F3")
def test_coming_back_before_the_webhook_fulfils_once(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give()
    giving.act(given, "pay")
    giving.settle()
    assert "Thank you" in giving.client.get(f"/donations/{given.token}").get_data(as_text=True)
    giving.check()
    giving.deliver_all()
    work_off()
    giving.client.get(f"/donations/{given.token}")
    giving.check()


@pytest.mark.rule("F4")
def test_a_payment_the_bank_has_to_confirm_counts_only_then(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give("100")
    giving.act(given, "pay_later")
    page = giving.client.get(f"/donations/{given.token}").get_data(as_text=True)
    assert "on its way" in page
    shown = totals([giving.fundraiser().id])[giving.fundraiser().id]
    assert (shown.settled.amount_minor, shown.processing.amount_minor, shown.donor_count) == (0, 10000, 0)
    assert not ledger_table()
    giving.act(given, "bank_confirms")
    giving.deliver_all()
    work_off()
    giving.check()
    shown = totals([giving.fundraiser().id])[giving.fundraiser().id]
    assert (shown.settled.amount_minor, shown.processing.amount_minor, shown.donor_count) == (10000, 0, 1)


@pytest.mark.rule("F4")
def test_a_payment_the_bank_refuses_is_told_and_never_counts(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give()
    giving.act(given, "pay_later", "bank_refuses")
    giving.deliver_all()
    work_off()
    giving.check()
    page = giving.client.get(f"/donations/{given.token}").get_data(as_text=True)
    assert "did not arrive" in page
    assert "Try again" in page


def test_declined_then_paid_is_one_gift(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give()
    giving.act(given, "decline")
    giving.deliver_all()
    work_off()
    assert giving.donation(given).status == "pending"
    page = giving.client.get(f"/donations/{given.token}?from=checkout").get_data(as_text=True)
    assert "Nothing was taken" in page
    assert "Go on to the payment page" in page
    giving.act(given, "pay")
    giving.deliver_all()
    work_off()
    giving.check()


def test_an_expired_checkout_says_so_and_leads_to_a_new_one(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give()
    giving.act(given, "expire")
    page = giving.client.get(f"/donations/{given.token}").get_data(as_text=True)
    assert "was not paid" in page
    assert "Try again" in page
    giving.check()


@pytest.mark.rule("F6")
@pytest.mark.parametrize("mode", ["drop", "drop-before", "500"])
def test_an_answer_lost_on_the_way_is_asked_for_again_under_the_same_key(giving: Giving, mode: str) -> None:
    giving.server.hook("POST", "faults", {"mode": mode, "method": "POST", "path": "/sessions", "times": 1})
    given = giving.give()
    assert [session["id"] for session in giving.server.sessions()] == [given.session_id]
    keys = [post.headers["Idempotency-Key"] for post in giving.server.posts()]
    base = f"manyhands-checkout-{given.donation_id}"
    assert keys == [base, base if mode != "500" else f"{base}-try-2"]  # what Stripe answered it would answer again


@pytest.mark.rule("F6")
@pytest.mark.parametrize(("mode", "times"), [("drop", 2), ("500", 2), ("429", 1)])
def test_when_stripe_stays_silent_the_form_is_kept_and_sending_it_again_continues(
    giving: Giving, mode: str, times: int
) -> None:
    giving.server.hook("POST", "faults", {"mode": mode, "method": "POST", "path": "/sessions", "times": times})
    form = giving.form(message="Keep what I wrote")
    refused = giving.post(giving.fundraiser(), form)
    page = refused.get_data(as_text=True)
    assert refused.status_code == 503
    assert "Nothing was taken" in page
    assert "Keep what I wrote" in page
    assert form["nonce"] in page
    again = giving.post(giving.fundraiser(), form)
    assert again.status_code == 303
    assert count_donations() == 1
    assert [session["url"] for session in giving.server.sessions()] == [again.headers["Location"]]


def test_what_stripe_refuses_for_good_is_said_truly_and_logged_with_its_code(
    giving: Giving,
) -> None:
    """Pressing again would not help, and the donor cannot know of what is wrong: those who run the site can."""
    begun = giving.give()
    giving.act(begun, "expire")
    giving.client.get(f"/donations/{begun.token}")
    giving.server.hook("POST", "faults", {"mode": "400", "method": "POST", "path": "/sessions", "times": 100})
    form = giving.form(message="Keep what I wrote")
    with capture_logs() as logged:
        refused = giving.post(giving.fundraiser(), form)
        going_on = giving.client.post(f"/donations/{begun.token}", data={"amount": "25"})
    for answer in (refused, going_on):
        assert answer.status_code == 503
        assert "refuses to open a page for this gift. Nothing was taken" in answer.text
        assert "did not answer" not in answer.text
        assert "in a moment" not in answer.text
    assert "Keep what I wrote" in refused.text
    said = {"event": "checkout.refused", "log_level": "error", "code": "InvalidRequestError", "parameter": ""}
    assert [{name: one.get(name) for name in said} for one in logged if one["log_level"] == "error"] == [said] * 2
    giving.server.hook("DELETE", "faults")
    # What is open and cannot be closed is not said to be.
    still = giving.give()
    giving.server.hook("POST", "faults", {"mode": "400", "path": "/sessions", "times": 100})
    kept = giving.client.post(f"/donations/{still.token}/cancel")
    assert (kept.status_code, "does not say whether its page is still open" in kept.text) == (503, True)
    assert "Nothing was taken" not in kept.text


def test_a_gift_is_given_and_agrees_while_the_clock_of_the_demonstration_is_ahead(
    giving: Giving, work_off: WorkOff
) -> None:
    giving.server.hook("POST", "clock", {"advance": 31 * 86400})
    given = giving.give(anonymous="no")
    giving.act(given, "pay")
    giving.settle()
    giving.deliver_all()
    work_off()
    giving.check()
    assert giving.donation(given).status == "paid"
    assert checks.compare_with_stripe() == (1, [])
    assert reconciling.reconcile(None).differences == []
    giving.server.hook("POST", "clock", {"at": None})
    assert giving.server.refused() == []


@pytest.mark.rule("F6")
def test_the_same_form_again_leads_to_the_same_page_and_later_to_what_became_of_it(
    giving: Giving, work_off: WorkOff
) -> None:
    form = giving.form()
    first = giving.post(giving.fundraiser(), form).headers["Location"]
    assert giving.post(giving.fundraiser(), form).headers["Location"] == first
    assert len(giving.server.posts()) == 1
    donation = db.session.scalars(sa.select(Donation)).one()
    giving.server.act(first.rpartition("/")[2], "pay")
    giving.deliver_all()
    work_off()
    after = giving.post(giving.fundraiser(), form)
    assert after.headers["Location"] == f"/donations/{donation_token(donation.id)}"
    changed = giving.post(giving.fundraiser(), {**form, "amount": "26"})
    assert changed.headers["Location"] not in (first, after.headers["Location"])
    assert count_donations() == 2


@pytest.mark.rule("F1")
@pytest.mark.parametrize(
    ("currency", "minimum", "below", "minor", "shown"),
    [
        ("USD", "0.50", "0.49", 50, "$0.50"),
        ("JPY", "50", "49", 50, "¥50"),
        ("KRW", "1000", "999", 1000, "₩1,000"),
        ("KWD", "0.200", "0.190", 200, "KWD\u00a00.200"),
        ("ISK", "100", "99", 10000, "ISK\u00a0100"),
        ("GBP", "0.30", "0.29", 30, "£0.30"),
    ],
)
def test_the_smallest_gift_of_a_currency_is_charged_exactly(
    giving: Giving, work_off: WorkOff, currency: str, minimum: str, below: str, minor: int, shown: str
) -> None:
    refused = giving.post(giving.fundraiser(currency), giving.form(amount=below))
    assert refused.status_code == 422
    assert f"Give {shown} or more" in refused.get_data(as_text=True)
    assert count_donations() == 0
    given = giving.give(minimum, currency)
    session = giving.server.sessions()[0]
    assert (session["amount_total"], session["currency"]) == (minor, currency.lower())
    giving.act(given, "pay")
    giving.settle()
    giving.deliver_all()
    work_off()
    giving.check()
    assert shown in giving.client.get(f"/donations/{given.token}").get_data(as_text=True)


@pytest.mark.rule("F1")
@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("currency", "typed", "message"),
    [
        ("USD", "", "Choose an amount or type one"),
        ("USD", "ten", "Enter an amount in USD as a number"),
        ("USD", "10.505", "Enter an amount in USD as a number"),
        ("USD", "0", "Enter an amount above zero"),
        ("USD", "-5", "Enter an amount above zero"),
        ("USD", "1000000", "Give $999,999.99 or less"),
        ("USD", "9" * 39, "Give $999,999.99 or less"),
        ("USD", "NaN", "Enter an amount in USD as a number"),
        ("USD", "1e3", "Enter an amount in USD as a number"),
        ("JPY", "50.5", "Enter an amount in JPY as a number"),
        ("KWD", "1.005", "The last digit must be 0"),
        ("ISK", "100.50", "Enter a whole number"),
    ],
)
def test_an_amount_that_cannot_be_charged_is_refused_at_its_field_and_the_form_kept(
    giving: Giving, currency: str, typed: str, message: str
) -> None:
    response = giving.post(giving.fundraiser(currency), giving.form(amount=typed, name="Kept Name"))
    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert message in page
    assert "Kept Name" in page
    assert "<title>Error:" in page
    assert count_donations() == 0
    assert not giving.server.posts()


def test_another_amount_is_one_of_the_choices_and_has_to_be_typed(giving: Giving) -> None:
    address = f"/fundraisers/{giving.fundraiser().slug}/donate"
    fieldsets = re.findall(r"(?s)<fieldset.*?</fieldset>", giving.client.get(address).get_data(as_text=True))
    [amounts] = [fieldset for fieldset in fieldsets if 'name="suggested"' in fieldset]
    assert re.findall(r"<label[^>]*>(.*?)</label>", amounts) == ["$25", "$50", "$100", "$250", "Other"]
    refused = giving.post(giving.fundraiser(), giving.form(amount="", suggested="other"))
    assert refused.status_code == 422
    assert 'href="#amount"' in refused.get_data(as_text=True)
    assert giving.post(giving.fundraiser(), giving.form(amount="30", suggested="other")).status_code == 303
    assert giving.server.sessions()[0]["amount_total"] == 3000


def test_a_suggested_amount_counts_when_none_is_typed(giving: Giving) -> None:
    assert giving.post(giving.fundraiser(), giving.form(amount="", suggested="5000")).status_code == 303
    assert giving.server.sessions()[0]["amount_total"] == 5000
    assert giving.post(giving.fundraiser(), giving.form(amount="", suggested="5001")).status_code == 422


def test_an_amount_of_the_page_is_chosen_in_the_form(giving: Giving) -> None:
    address = f"/fundraisers/{giving.fundraiser().slug}"
    page = giving.client.get(address)
    assert "Set-Cookie" not in page.headers
    box = page.get_data(as_text=True).partition("<aside>")[2].partition("</form>")[0]
    assert f'method="get" action="{address}/donate"' in box
    assert "csrf_token" not in box
    assert re.findall(r'name="(\w+)"[^>]*value="(\w+)"', box) == [
        ("frequency", "once"), ("frequency", "monthly"),
        *(("suggested", amount) for amount in ("2500", "5000", "10000", "25000", "other")),
        *(("anonymous", who) for who in ("yes", "starter", "no")), ("cover_fee", "y"),
    ]  # fmt: skip
    said = "suggested=5000&frequency=monthly&anonymous=no&cover_fee=y"
    form = giving.client.get(f"{address}/donate?{said}").get_data(as_text=True)
    checked = r'<input(?: aria-describedby="[^"]*")? checked id="([\w-]+)"'
    chosen = ["frequency-1", "suggested-1", "cover_fee", "anonymous-2", "dedication-0"]
    assert re.findall(checked, form) == chosen
    assert "for the card fee" in form  # what would be paid is said at once
    junk = giving.client.get(f"{address}/donate?suggested=junk&frequency=daily&anonymous=perhaps").get_data(
        as_text=True
    )
    assert re.findall(checked, junk) == ["frequency-0", "anonymous-0", "dedication-0"]


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 121),
        ("email", "nobody"),
        ("email", "a@b"),
        ("message", "x" * 501),
        ("anonymous", "perhaps"),
        ("frequency", "yearly"),
        ("nonce", "n" * 65),
    ],
)
def test_what_cannot_be_used_is_refused(giving: Giving, field: str, value: str) -> None:
    assert giving.post(giving.fundraiser(), giving.form(**{field: value})).status_code == 422
    assert count_donations() == 0


@pytest.mark.rule("A4")
def test_control_characters_are_left_out(giving: Giving) -> None:
    given = giving.give(name="Ro\x00sa\x07", message="a\x00\r\nb")
    assert (giving.donation(given).name, giving.donation(given).message) == ("Rosa", "a\nb")


def test_with_payments_off_the_page_says_so(app: Any, client: CheckingClient) -> None:
    fundraiser = make_fundraiser()
    for method in (client.get, client.post):
        response = method(f"/fundraisers/{fundraiser.slug}/donate")
        assert response.status_code == 200
        assert "Online gifts are off" in response.get_data(as_text=True)
    assert "not switched on" in client.get(f"/fundraisers/{fundraiser.slug}").get_data(as_text=True)
    assert client.post("/stripe/webhook", data=b"{}").status_code == 400
    assert count_donations() == 0


@pytest.mark.rule("F8")
@pytest.mark.parametrize(
    "change",
    [
        {"status": "awaiting_approval"},
        {"status": "declined"},
        {"organization.status": "suspended"},
        {"organization.verified_at": None},
        {"organization.claimed_at": None},
    ],
)
def test_a_fundraiser_out_of_sight_has_no_checkout(giving: Giving, change: dict[str, Any]) -> None:
    fundraiser = giving.fundraiser()
    rewrite(fundraiser, change)
    assert giving.client.get(f"/fundraisers/{fundraiser.slug}/donate").status_code == 404
    assert giving.post(fundraiser, giving.form()).status_code == 404
    assert not giving.server.posts()


def rewrite(fundraiser: Fundraiser, change: dict[str, Any]) -> None:
    """Change columns of a fundraiser, or with "organization." of its organization, whatever the rules say."""
    with transaction():
        for name, value in change.items():
            table = Organization if name.startswith("organization.") else Fundraiser
            key = fundraiser.organization_id if table is Organization else fundraiser.id
            column = name.removeprefix("organization.")
            db.session.execute(sa.update(table).where(table.id == key).values(**{column: value}))


def test_an_ended_fundraiser_refuses_gifts_and_says_so(giving: Giving) -> None:
    fundraiser = giving.fundraiser()
    rewrite(fundraiser, {"ends_on": (now() - dt.timedelta(days=3)).date()})
    for response in (
        giving.client.get(f"/fundraisers/{fundraiser.slug}/donate"),
        giving.post(fundraiser, giving.form()),
    ):
        assert response.status_code == 409
        assert "has ended" in response.get_data(as_text=True)
    assert "has ended" in giving.client.get(f"/fundraisers/{fundraiser.slug}").get_data(as_text=True)
    assert count_donations() == 0


@pytest.mark.rule("F8")
@pytest.mark.parametrize("how", ["decline", "end", "suspend", "last_day"])
def test_open_checkouts_are_expired_when_the_fundraiser_closes(giving: Giving, work_off: WorkOff, how: str) -> None:
    fundraiser, given = giving.fundraiser(), giving.give()
    staff = make_person()
    if how == "suspend":
        rewrite(fundraiser, {"organization.status": "suspended"})
    elif how == "last_day":
        rewrite(fundraiser, {"ends_on": (now() - dt.timedelta(days=3)).date()})
    else:
        with transaction():
            if how == "decline":
                decline_fundraiser(fundraiser.id, by=staff, reason="Not ours")
            else:
                end_fundraiser(fundraiser.id, by=staff)
    work_off()
    work_off()
    assert giving.server.sessions()[0]["status"] == "expired"
    assert giving.donation(given).status == "expired"
    expiries = [post for post in giving.server.posts() if post.path.endswith("/expire")]
    assert {post.headers["Idempotency-Key"] for post in expiries} == {f"manyhands-expire-{given.donation_id}"}


@pytest.mark.rule("F4")
def test_a_gift_paid_just_before_the_closing_still_counts(giving: Giving, work_off: WorkOff) -> None:
    fundraiser, given = giving.fundraiser(), giving.give()
    giving.act(given, "pay")
    with transaction():
        end_fundraiser(fundraiser.id, by=None)
    work_off()
    giving.check()


@pytest.mark.rule("F9")
def test_an_anonymous_donor_is_named_to_staff_only(
    giving: Giving, work_off: WorkOff, sign_in: Callable[..., CheckingClient], new_client: Callable[[], CheckingClient]
) -> None:
    owner = make_person()
    organization = make_organization(owner)
    giving._fundraisers["USD"] = fundraiser = make_fundraiser(organization)
    giving.act(giving.give(name="Hidden Person", email="hidden@example.org"), "pay")
    giving.deliver_all()
    work_off()
    address = f"/fundraisers/{fundraiser.slug}"
    public = giving.client.get(address).get_data(as_text=True)
    assert "<h3>Anonymous</h3>" in public
    staff = sign_in(owner, new_client())
    review = staff.get(f"/manage/{organization.slug}{address}").get_data(as_text=True)
    assert "Hidden Person" in review
    assert "hidden@example.org" in review
    stranger = sign_in(make_person(), new_client())
    assert stranger.get(f"/manage/{organization.slug}{address}").status_code == 404
    for browser in (giving.client, stranger, staff):
        seen = browser.get(address).get_data(as_text=True)
        assert "Hidden" not in seen
        assert "hidden@" not in seen


@pytest.mark.rule("G6")
def test_a_minors_name_is_never_public(giving: Giving, work_off: WorkOff, sign_in: Callable[..., Any]) -> None:
    sign_in(make_person(birth_date=now().date() - dt.timedelta(days=15 * 365)))
    giving.act(giving.give(name="Young Person", anonymous="no", message="For the books"), "pay")
    giving.deliver_all()
    work_off()
    [shown] = list_public_donations(giving.fundraiser().id).rows
    assert shown.name is None
    # Nor where somebody reports it, or looks at what was written.
    fundraiser = giving.fundraiser()
    message = f"/fundraisers/{fundraiser.slug}/messages/{encode_id(shown.id)}"
    said = giving.app.test_client().get(f"{message}/report").text
    assert "For the books" in said
    assert "Young Person" not in said
    owner = giving.app.test_client()
    sign_in(make_member(fundraiser.organization, "owner"), owner)
    for page in (message, f"/fundraisers/{fundraiser.slug}/messages"):
        seen = owner.get(page).text
        assert "For the books" in seen
        assert "Young Person" not in seen
    by_api = f"/api/v1/messages/{encode_id(shown.id)}/report"
    assert giving.app.test_client().post(by_api, json={"reason": "x", "part": "name"}).status_code == 404


def test_in_stripes_test_mode_every_page_of_a_donor_says_that_no_money_moves(
    giving: Giving, work_off: WorkOff, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, slug = giving.app.config["SETTINGS"], giving.fundraiser().slug
    for page in (f"/fundraisers/{slug}", f"/fundraisers/{slug}/donate"):
        assert "test cards" not in giving.client.get(page).text  # a demonstration takes none
    monkeypatch.setitem(giving.app.config, "SETTINGS", dataclasses.replace(settings, payments_mode="test"))
    given = giving.give()
    for page in (
        f"/fundraisers/{slug}?a",
        f"/fundraisers/{slug}/donate",
        f"/embed/fundraisers/{slug}",
        f"/donations/{given.token}",
    ):
        shown = giving.client.get(page).text
        assert re.search("[Oo]nly test cards work here", shown), page
        assert "Demonstration" not in shown
    giving.act(given, "pay")
    giving.deliver_all()
    capsys.readouterr()
    work_off()
    assert "no money moved" in giving.client.get(f"/donations/{given.token}").text
    assert "only test cards work here, and no money moved" in " ".join(capsys.readouterr().err.split())


def test_a_donors_page_is_found_by_its_own_link_only(giving: Giving) -> None:
    given = giving.give()
    token = given.token
    assert giving.client.get(f"/donations/{token}").headers["Cache-Control"] == "no-store"
    other = giving.give()
    for guess in (token[:-1], token[:13], token.upper(), other.token[:13] + token[13:], "x" * 46, "é" * 46):
        assert giving.client.get(f"/donations/{guess}").status_code == 404


def test_a_checkout_that_never_opened_is_closed_after_an_hour(giving: Giving, work_off: WorkOff) -> None:
    giving.server.hook("POST", "faults", {"mode": "drop-before", "path": "/sessions", "times": 2})
    giving.post(giving.fundraiser(), giving.form())
    work_off()
    assert db.session.scalars(sa.select(Donation.status)).one() == "pending"
    with time_machine.travel(now() + dt.timedelta(hours=1, minutes=1), tick=False):
        work_off()
    assert db.session.scalars(sa.select(Donation.status)).one() == "expired"


@pytest.mark.rule("F3")
def test_a_session_nobody_spoke_of_is_asked_about(giving: Giving, work_off: WorkOff) -> None:
    given = giving.give()
    giving.act(given, "pay")
    giving.settle()
    with contextlib.closing(sqlite3.connect(giving.server._database, timeout=10)) as connection, connection:
        connection.execute("DELETE FROM object WHERE kind = 'event'")  # not even listed any more
    work_off()
    assert giving.donation(given).status == "pending"
    with time_machine.travel(now() + dt.timedelta(minutes=16), tick=False):
        work_off()
    giving.check()


def test_a_sweep_passes_over_what_stripe_does_not_answer(giving: Giving, work_off: WorkOff) -> None:
    giving.act(giving.give(), "pay")
    giving.deliver_all()
    giving.server.hook("POST", "faults", {"mode": "500", "method": "GET", "times": 100})
    assert work_off()["failed"] >= 1
    giving.server.hook("DELETE", "faults")
    work_off()
    giving.check()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Outbox).where(Outbox.given_up_at.is_not(None))) == 0


def test_the_form_sets_a_cookie_and_is_not_stored_while_the_public_page_sets_none(giving: Giving) -> None:
    address = f"/fundraisers/{giving.fundraiser().slug}"
    assert "Set-Cookie" not in giving.client.get(address).headers
    form = giving.client.get(f"{address}/donate")
    assert form.headers["Cache-Control"] == "no-store"
    assert giving.client.post(f"{address}/donate", data=giving.form(), csrf=False).status_code == 400


def test_the_page_of_a_fundraiser_asks_the_database_the_same_for_5_and_50_gifts(
    giving: Giving, count_queries: list[str]
) -> None:
    fundraiser = giving.fundraiser()
    counts = []
    for number in (5, 45):
        with transaction():
            for _gift in range(number):
                db.session.add(
                    Donation(
                        fundraiser_id=fundraiser.id, organization_id=fundraiser.organization_id, amount_minor=100,
                        currency="USD", name="A", email="a@example.org", anonymous=False, status="paid", mode="demo",
                        created_at=now(), paid_at=now(),
                    )
                )  # fmt: skip
        db.session.rollback()
        count_queries.clear()
        assert giving.client.get(f"/fundraisers/{fundraiser.slug}").status_code == 200
        counts.append(len(count_queries))
    assert counts[0] == counts[1] <= 11  # two of them for the box beside it
