"""Receipts (F7): once per paid gift, in its transaction, without a gap, never changed; corrections, statements, texts, PDF."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import email
import email.policy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.core import lettering
from app.core.clock import local_date, now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.core.money import Money
from app.donations import checkout, ledger, papers, pdf, statements
from app.donations.checks import CHECKS
from app.donations.models import Donation
from app.donations.operations import fulfilling, receipts
from app.donations.operations.terms import edit_terms
from app.donations.receipt_models import GivingTerms, Receipt
from app.donations.receipt_texts import problem_with
from app.imports.exports import lines
from tests.conftest import CheckingClient
from tests.donations import reading_pdf
from tests.donations.conftest import Giving, WorkOff
from tests.donations.test_wishes import call, text_of
from tests.factories import make_fundraiser, make_member, make_organization, make_person

ROOT = Path(__file__).parents[2]


@pytest.fixture
def testing(giving: Giving) -> Iterator[Giving]:
    """The application as it is before it goes live: PAYMENTS_MODE=test, where receipts are issued and marked."""
    before = giving.app.config["SETTINGS"]
    giving.app.config["SETTINGS"] = dataclasses.replace(before, payments_mode="test")
    yield giving
    giving.app.config["SETTINGS"] = before


def paid(giving: Giving, work_off: WorkOff, amount: str = "25", currency: str = "USD", **values: Any) -> Donation:
    """A gift that is paid."""
    given = giving.give(amount, currency, **values)
    giving.act(given, "pay")
    giving.settle()
    giving.deliver_all()
    work_off()
    return giving.donation(given)


def paid_at(giving: Giving, at: dt.datetime, amount: str, currency: str = "USD", **values: Any) -> Donation:
    """A gift of which Stripe says at that time that it is paid."""
    given = giving.give(amount, currency, **values)
    giving.act(given, "pay")
    with time_machine.travel(at, tick=True):
        assert checkout.fulfil(given.donation_id) == "paid"
    return giving.donation(given)


def issued(donation_id: int) -> list[Receipt]:
    """The documents of a gift, in their order."""
    db.session.rollback()
    return list(
        db.session.scalars(sa.select(Receipt).where(Receipt.donation_id == donation_id).order_by(Receipt.number))
    )


def go_back(donation: Donation, minor: int, source: str) -> None:
    """Money of a paid gift goes back (below zero: comes again), as the ledger and the receipt learn of it."""
    key = donation.id
    with transaction():
        gift = db.session.get_one(Donation, key, with_for_update=True)
        money = Money(minor, gift.currency)
        ledger.post(
            organization_id=gift.organization_id,
            donation_id=key,
            kind=source.partition(":")[0],
            source=source,
            postings=[
                ledger.Posting("disputes" if source.startswith("dispute") else "refunds", money, gift.fundraiser_id),
                ledger.Posting("stripe_clearing", Money(-minor, gift.currency), gift.fundraiser_id),
            ],
        )
        receipts.correct(gift, minor, source)


def mails(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    """What was written since the last look."""
    written = capsys.readouterr().err.split("--- mail\n")[1:]
    return [email.message_from_string(text.split("\n---\n")[0], policy=email.policy.default) for text in written]


@pytest.mark.rule("F7")
def test_a_paid_gift_has_its_receipt_by_page_pdf_and_mail_and_again(
    testing: Giving, work_off: WorkOff, capsys: pytest.CaptureFixture[str]
) -> None:
    giving = testing
    owner = make_person()
    giving._fundraisers["USD"] = make_fundraiser(make_organization(owner, name="Newark Kitchen"))
    organization_id = giving.fundraiser().organization_id
    with transaction():
        edit_terms(organization_id, by=owner, tax_id="12-3456789", claims_gift_aid=True, receipt_text="", fee=None)
    capsys.readouterr()
    donation = paid(giving, work_off, "25", name="Rosa Delgado")
    [receipt] = issued(donation.id)
    assert (receipt.number, receipt.label, receipt.amount_minor, receipt.stands_minor) == (1, "TEST-1", 2500, 2500)
    assert "Newark Kitchen is a tax-exempt organization under section 501(c)(3)" in receipt.text
    assert "EIN 12-3456789. No goods or services were provided in exchange for this gift." in receipt.text
    [thanks] = [mail for mail in mails(capsys) if "Thank you" in mail["Subject"]]
    body = thanks.get_body(("plain",)).get_content()
    assert "Receipt TEST-1" in body
    assert "12-3456789" in body
    [attached] = thanks.iter_attachments()
    assert attached.get_content().startswith(b"%PDF-")
    token = giving.given[0].token
    page = giving.client.get(f"/donations/{token}")
    address = re.search(rf"/donations/{token}/receipts/\w+", page.get_data(as_text=True))
    assert address is not None
    shown = text_of(giving.client.get(address[0]))
    for word in ("TEST: no money was given", "Rosa Delgado", "Newark Kitchen", "EIN 12-3456789", "$25"):
        assert word in shown
    file = giving.client.get(f"{address[0]}.pdf")
    assert (file.status_code, file.mimetype, file.data[:5]) == (200, "application/pdf", b"%PDF-")
    other = encode_id(receipt.id + 1)
    assert giving.client.get(f"/donations/{token}/receipts/{other}").status_code == 404
    asked = (now() - dt.timedelta(hours=1)).replace(minute=59)
    for press, minutes in enumerate((0, 0, 1, 59)):  # the next hour of the clock begins within the hour
        with time_machine.travel(asked + dt.timedelta(minutes=minutes), tick=False):
            assert giving.client.post(f"/donations/{token}/receipts").status_code == 303
            said = giving.client.get(f"/donations/{token}").get_data(as_text=True)
            assert ("within this hour already" in said) is (press > 0)
    work_off()
    [again] = mails(capsys)
    assert again["Subject"] == "Receipt TEST-1"
    assert address[0] in again.get_body(("plain",)).get_content()
    assert giving.client.get(f"/donations/{token}/statement").status_code in (404, 405)
    found = call(giving, giving.client, owner, "GET", f"/donations/{encode_id(donation.id)}").get_json()["receipts"]
    assert [(each["number"], each["kind"], each["stands"]["amount_minor"]) for each in found] == [
        ("TEST-1", "gift", 2500)
    ]


@pytest.mark.rule("F7")
def test_a_demonstration_has_none(giving: Giving, work_off: WorkOff) -> None:
    donation = paid(giving, work_off)
    assert issued(donation.id) == []
    token = giving.given[0].token
    assert giving.client.post(f"/donations/{token}/receipts").status_code == 404
    assert CHECKS["receipts"]() == (0, [])


@pytest.mark.rule("F7")
def test_a_receipt_cannot_be_changed_and_a_correction_is_a_document_of_its_own(
    testing: Giving, work_off: WorkOff, capsys: pytest.CaptureFixture[str]
) -> None:
    giving = testing
    donation = paid(giving, work_off, "100")
    [first] = issued(donation.id)
    for statement in (sa.update(Receipt).values(text="Another"), sa.delete(Receipt)):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), transaction():
            db.session.execute(statement)
    capsys.readouterr()
    go_back(donation, 3000, "refund:re_1")
    go_back(donation, 3000, "refund:re_1")  # the same cause once more
    go_back(donation, 7000, "dispute:txn_1")
    go_back(donation, 500, "dispute:txn_2")  # more than there is
    go_back(donation, -7000, "dispute:txn_3")
    documents = issued(donation.id)
    told = [(each.kind, each.number, each.amount_minor, each.stands_minor) for each in documents]
    assert told == [
        ("gift", 1, 10000, 10000),
        ("correction", 2, -3000, 7000),
        ("correction", 3, -7000, 0),
        ("correction", 4, 7000, 7000),
    ]
    assert [each.corrects_id for each in documents[1:]] == [first.id] * 3
    assert "$30 of this gift went back to the donor" in documents[1].text
    assert "corrects receipt TEST-1: what counts is $70" in documents[1].text
    assert "withdrawn by the bank" in documents[2].text
    assert "Receipt TEST-1 counts no more" in documents[2].text
    assert "given again" in documents[3].text
    assert CHECKS["receipts"]() == (4, [])
    work_off()
    subjects = [mail["Subject"] for mail in mails(capsys)]
    assert subjects == [f"Correction TEST-{number} of receipt TEST-1" for number in (2, 3, 4)]
    page = giving.client.get(f"/donations/{giving.given[0].token}").get_data(as_text=True)
    assert page.count("of receipt TEST-1</a>") == 3


def test_verify_finds_what_is_missing_and_the_sweep_issues_what_was_paid_before_there_were_receipts(
    testing: Giving, work_off: WorkOff, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(receipts, "issue", lambda _donation: None)
        given = testing.give()
        testing.act(given, "pay")
        testing.client.get(f"/donations/{given.token}")
    assert testing.donation(given).status == "paid"
    assert CHECKS["receipts"]() == (0, [f"receipts: donation {encode_id(given.donation_id)} is paid and has none"])
    db.session.rollback()
    work_off()
    assert [each.number for each in issued(given.donation_id)] == [1]
    assert CHECKS["receipts"]() == (1, [])
    # A number that was taken and rolled back is free again (many at once: tests/races/test_money.py).
    second = testing.give("30")
    testing.act(second, "pay")
    with monkeypatch.context() as broken:  # what comes after the receipt in its transaction
        broken.setattr(fulfilling, "note_milestones", lambda _donation: {}["stumbled"])
        with pytest.raises(KeyError, match="stumbled"):
            checkout.fulfil(second.donation_id)
    assert issued(second.donation_id) == []
    testing.client.get(f"/donations/{second.token}")
    assert [each.number for each in issued(second.donation_id)] == [2]


@pytest.mark.rule("F7")
def test_yearly_statements_of_all_donors_add_up_to_the_ledger(
    testing: Giving, work_off: WorkOff, sign_in: Callable[..., CheckingClient], capsys: pytest.CaptureFixture[str]
) -> None:
    giving, me = testing, make_person(email="me@example.org", name="Me Myself")
    everybody = {"me@example.org": 0, "rosa@example.org": 0}
    owner = make_person()
    organization = make_organization(owner)
    with transaction():
        edit_terms(organization.id, by=owner, tax_id="12-3456789", claims_gift_aid=False, receipt_text="", fee=None)
    giving._fundraisers |= {money: make_fundraiser(organization, currency=money) for money in ("USD", "JPY", "KWD")}
    turn_of_the_year = dt.datetime(2026, 1, 1, 3, tzinfo=dt.UTC)  # still 2025 in Newark
    may = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
    first = paid_at(giving, turn_of_the_year, "10", email="me@example.org")
    second = paid_at(giving, may, "100", email="me@example.org")
    paid_at(giving, may, "1000", "JPY", email="me@example.org")
    paid_at(giving, may, "7.770", "KWD", email="rosa@example.org")
    with time_machine.travel(may, tick=True):
        go_back(second, 4000, "refund:re_1")
    with time_machine.travel(dt.datetime(2027, 2, 1, 12, tzinfo=dt.UTC), tick=True):
        go_back(second, 6000, "dispute:txn_1")
        go_back(first, 1000, "refund:re_2")
        go_back(first, -1000, "refund_failed:re_2")
        whole: collections.Counter[str] = collections.Counter()
        for address in everybody:
            donation = db.session.scalars(sa.select(Donation).where(Donation.email == address)).first()
            assert donation is not None
            whose = statements.of_address(donation)
            for year in statements.list_years(whose, mode="test"):
                for part in statements.draw_up(whose, year, mode="test").parts:
                    assert part.total.amount_minor == sum(line.amount.amount_minor for line in part.lines)
                    whole[part.total.currency] += part.total.amount_minor
        of_ledger: collections.Counter[str] = collections.Counter()
        for (account, currency), minor in ledger.balances(organization.id).items():
            if account in ledger.RAISED_ACCOUNTS:
                of_ledger[currency] -= minor
        assert dict(whole) == dict(of_ledger) == {"USD": 1000, "JPY": 1000, "KWD": 7770}
        db.session.rollback()
        assert statements.list_years(statements.of_person(me), mode="test") == [2027, 2026, 2025]
        db.session.rollback()
        browser = sign_in(me)
        shown = text_of(browser.get("/my-help/gifts/2026"))
        for word in ("TEST:", "$100", "-$40", "Together $60", "Together ¥1,000", "TEST-2", "TEST-3"):
            assert word in shown, word
        assert "$10 " not in shown
        assert "/my-help/gifts/2025" in browser.get("/my-help").get_data(as_text=True)
        assert browser.get("/my-help/gifts/2026.pdf").data[:5] == b"%PDF-"
        for year in ("1999", "0", "9999", "99999999999999999999"):
            assert browser.get(f"/my-help/gifts/{year}").status_code == 404
            assert browser.get(f"/my-help/gifts/{year}.pdf").status_code == 404
        # By mail: the links are in the mail alone, and lead to what was given under its address.
        capsys.readouterr()
        token = giving.given[1].token
        asked = giving.client.post(f"/donations/{token}/statement")
        assert asked.status_code == 303
        assert "/statements/" not in giving.client.get(f"/donations/{token}").get_data(as_text=True)
        work_off()
        [mail] = [mail for mail in mails(capsys) if "year by year" in mail["Subject"]]
        links = re.findall(r"http://[^/\s]+(/statements/\S+)", mail.get_body(("plain",)).get_content())
        assert len(links) == 3
        assert "Together $60" in text_of(giving.client.get(links[1]))
        assert "EIN 12-3456789" in text_of(giving.client.get(links[1]))  # as its country calls the number
        assert giving.client.get(f"{links[1]}/pdf").data[:5] == b"%PDF-"
        assert giving.client.get(f"{links[1]}x").status_code == 404


def test_a_statement_is_nobody_elses(
    testing: Giving, work_off: WorkOff, sign_in: Callable[..., CheckingClient]
) -> None:
    paid(testing, work_off, email="rosa@example.org")
    unproven = make_person(email="rosa@example.org", email_verified_at=None)
    year = now().year
    assert sign_in(unproven).get(f"/my-help/gifts/{year}").status_code == 404
    assert sign_in(make_person()).get(f"/my-help/gifts/{year}").status_code == 404


@pytest.mark.rule("F9")
def test_staff_do_not_read_on_a_receipt_who_hides_from_them(
    testing: Giving, work_off: WorkOff, sign_in: Callable[..., CheckingClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_person()
    organization = make_organization(owner)
    slug = organization.slug
    testing._fundraisers["USD"] = make_fundraiser(organization)
    with transaction():  # the organization's own text names its donors
        own = "{organization} {tax_id} thanks {donor}. {no_goods}"
        edit_terms(organization.id, by=owner, tax_id="12-3456789", claims_gift_aid=False, receipt_text=own, fee=None)
    hidden = paid(testing, work_off, name="Nobody Nuance", company="Nuance Works", hide_from_organization="y")
    known = paid(testing, work_off, name="Staff Sand")
    browser = sign_in(owner)
    listed = browser.get(f"/manage/{slug}/receipts").get_data(as_text=True)
    pages = [listed]
    for donation in (hidden, known):
        [receipt] = issued(donation.id)
        address = f"/manage/{slug}/receipts/{encode_id(receipt.id)}"
        pages.append(browser.get(address).get_data(as_text=True))
        assert browser.get(f"{address}.pdf").status_code == 200
        assert sign_in(make_person()).get(address).status_code == 404
        browser = sign_in(owner)
    assert "Nuance" not in "".join(pages)
    assert "Staff Sand" in pages[0]
    assert pages[2].count("Staff Sand") == 2
    assert "thanks Anonymous." in pages[1]
    text = text_of(testing.client.get(f"/donations/{testing.given[0].token}"))
    assert "Receipt TEST-1" in text
    [receipt] = issued(hidden.id)
    assert "thanks Nuance Works." in papers.text(receipt)
    sheets: list[pdf.Sheet] = []
    monkeypatch.setattr(pdf, "draw", lambda sheet: sheets.append(sheet) or b"")
    papers.receipt_pdf(receipt, "x")
    papers.receipt_pdf(receipt, "x", named=False)
    assert ["Nuance" in str(sheet) for sheet in sheets] == [True, False]


@pytest.mark.parametrize(
    ("country", "text", "said"),
    [
        ("US", "Thanks, {organization} {tax_id} {no_goods}", ""),
        ("US", "Thanks, {organization} {tax_id}", "put {no_goods} where it belongs"),
        ("GB", "{organization} {tax_id}", "put {gift_aid} where it belongs"),
        ("DE", "Danke", "put {organization} where it belongs"),
        ("DE", "{organization} {iban}", "There is no placeholder {iban}"),
        ("DE", "{organization} } {", "A brace stands alone"),
        ("DE", "{organization}", ""),
        # All that is wrong at once, not one after the other.
        ("US", "{iban} {organization} {bic}", "There are no placeholders {bic}, {iban}"),
        ("US", "{iban} {organization}", "put {tax_id}, {no_goods} where they belong"),
        ("GB", "{iban} }", "There is no placeholder {iban}. A brace stands alone"),
    ],
)
def test_what_the_law_asks_for_must_be_in_an_own_text(app: Flask, country: str, text: str, said: str) -> None:
    with app.test_request_context():
        found = problem_with(text, country)
    assert said in found
    assert bool(found) == bool(said)


def test_an_organization_says_what_stands_on_its_receipts_and_sees_it_before(
    testing: Giving, work_off: WorkOff, sign_in: Callable[..., CheckingClient]
) -> None:
    owner = make_person()
    organization = make_organization(owner)
    organization_id, address = organization.id, f"/manage/{organization.slug}/giving"
    testing._fundraisers["USD"] = make_fundraiser(organization)
    browser = sign_in(owner)
    own = "Dear {donor}: {organization} ({tax_id}). {no_goods}"
    form = {"tax_id": "12-3456789", "receipt_text": own, "fee_percent": "2.2", "fee_fixed": "0.30"}
    for changes, field in (
        ({"receipt_text": "{organisation}"}, "receipt_text"),
        ({"receipt_text": "{organization}"}, "receipt_text"),
        ({"tax_id": ""}, "tax_id"),
        ({"fee_percent": "21"}, "fee_percent"),
        ({"fee_percent": "many"}, "fee_percent"),
        ({"fee_fixed": "-1"}, "fee_fixed"),
    ):
        refused = browser.post(address, data={**form, **changes})
        page = refused.get_data(as_text=True)
        assert (refused.status_code, f'id="{field}-error"' in page) == (422, True), changes
    both = {**form, "receipt_text": "{tax_id} {iban}", "tax_id": "", "fee_percent": "many", "fee_fixed": "-1"}
    all_wrong = browser.post(address, data=both).get_data(as_text=True)
    for field in ("receipt_text", "tax_id", "fee_percent", "fee_fixed"):
        assert f'id="{field}-error"' in all_wrong, field
    looked = text_of(browser.post(address, data={**form, "preview": "1"}))
    assert "This would stand on a receipt" in looked
    assert f"Dear {owner.name}:" in looked
    assert db.session.get(GivingTerms, organization_id) is None
    db.session.rollback()
    assert browser.post(address, data=form).status_code == 303
    assert 'value="2.20"' in browser.get(address).get_data(as_text=True)
    giving_page = testing.client.get(f"/fundraisers/{testing.fundraiser().slug}/donate").get_data(as_text=True)
    assert "2.2% + $0.30" in giving_page
    assert "501(c)(3) organization, EIN 12-3456789" in giving_page
    donation = paid(testing, work_off, "25", cover_fee="y", name="Rosa Delgado")
    assert donation.amount_minor == 2587  # (25.00 + 0.30) / (1 - 2.2%), rounded up
    [receipt] = issued(donation.id)
    assert receipt.text.startswith("Dear Rosa Delgado: Organization")
    assert receipt.text.endswith("(12-3456789). No goods or services were provided in exchange for this gift.")


def test_gift_aid_is_on_the_receipt_and_in_the_file_for_the_claim_less_what_went_back(
    testing: Giving, work_off: WorkOff, new_client: Callable[[], CheckingClient], sign_in: Callable[..., CheckingClient]
) -> None:
    organization = make_organization(country="GB", currency="GBP", name="Hackney Pantry", time_zone="Europe/London")
    organization_id = organization.id
    testing._fundraisers["GBP"] = make_fundraiser(organization)
    who = {
        "gift_aid": "y",
        "gift_aid_first_name": "Rosa",
        "gift_aid_last_name": "Delgado",
        "gift_aid_address": "12 Mare Street",
        "gift_aid_postal_code": "E8 3RE",
    }
    declared = paid(testing, work_off, "10", "GBP", **who)
    paid(testing, work_off, "5", "GBP")
    back = paid(testing, work_off, "7", "GBP", **who)
    go_back(back, 700, "refund:re_1")
    go_back(declared, 200, "refund:re_2")
    assert "You declared Gift Aid on this gift: Hackney Pantry claims 25p" in issued(declared.id)[0].text
    header, *rows = "".join(lines("gift-aid", organization_id, names=True)).splitlines()
    assert header.startswith("first_name,last_name,house,postcode,donation_date,amount")
    assert len(rows) == 1
    assert rows[0].startswith("Rosa,Delgado,12 Mare Street,E8 3RE,")
    assert ",8.00," in rows[0]
    assert "Mare Street" not in "".join(lines("donations", organization_id, names=True))
    # The donor cancels it, signed in by the API as on the page: nothing is left to claim, and the file says since when.
    donor, other = make_person(), make_person()
    with transaction():
        db.session.get_one(Donation, declared.id).person_id = donor.id
    path = f"/donations/{encode_id(declared.id)}/gift-aid/cancel"
    assert call(testing, new_client(), other, "POST", path, {}).status_code == 404
    answer = call(testing, new_client(), donor, "POST", path, {})
    assert (answer.status_code, answer.json["cancelled_at"] is not None) == (200, True)
    [row] = "".join(lines("gift-aid", organization_id, names=True)).splitlines()[1:]
    assert ",0.00," in row
    assert row.endswith(f",{local_date(now(), 'Europe/London')}")
    owner = make_member(organization, "owner")
    said = sign_in(owner).get(f"/manage/{organization.slug}/donations/{encode_id(declared.id)}").text
    assert "Declared, and cancelled on" in said
    plain = paid(testing, work_off, "3", "GBP")
    with transaction():
        db.session.get_one(Donation, plain.id).person_id = donor.id
    none = call(testing, new_client(), donor, "POST", f"/donations/{encode_id(plain.id)}/gift-aid/cancel", {})
    assert (none.status_code, none.json["code"]) == (409, "not_declared")


EVERYWHERE = {
    "Ганна Шевченко · Ελένη · Łódź": "Ганна Шевченко · Ελένη · Łódź",
    # From the left to the right, as it is drawn: numbers and Latin words keep their direction.
    "شكرا محمد على 25.00 USD": "USD 25.00 ىلع دمحم اركش",
    "שלום כהן (Newark) 42": "42 )Newark( ןהכ םולש",
    "Rosa שלום, 42": "Rosa 42 ,םולש",
    "愛子 Müller · 爱国": "愛子 Müller · 爱国",
    "ひらがな カタカナ": "ひらがな カタカナ",
    "김철수": "김철수",
    "आरती शर्मा": "आरती शर्मा",
    "สมชาย ใจดี": "สมชาย ใจดี",
}


def test_names_are_written_in_every_script_with_fonts_of_the_machine(app: Flask) -> None:
    if any(not lettering.pieces(text, lettering.FONTS) for text in EVERYWHERE):
        pytest.skip(
            "no fonts with these letters; enable with: apt-get install"
            " fonts-dejavu-core fonts-droid-fallback fonts-freefont-ttf"
        )
    with app.test_request_context():
        table = pdf.Table("Gifts", ("Day", "Amount"), [(text, "$25") for text in EVERYWHERE], ("Together", "$25"))
        sheet = pdf.Sheet("Receipt 1", "", [("From", "Zoe")], ["Text"], [], "https://example.org/r")
        for text, drawn in EVERYWHERE.items():
            content = pdf.draw(dataclasses.replace(sheet, facts=[("From", text)]))
            read = reading_pdf.lines(content)
            assert read[:4] == ["Receipt 1", "From", drawn, "Text"]
            assert reading_pdf.said(content) == [part for part in (text,) if text[0] in "आส"]
            assert len(read) == 5, read  # and nothing of letters that are missing
            assert b"/FontFile2" in content
            assert len(content) < 20_000, text  # the letters that are wanted, and no others
        both = pdf.draw(dataclasses.replace(sheet, paragraphs=["\n".join(EVERYWHERE)], tables=[table]))
        read = reading_pdf.lines(both)
        assert [read.count(drawn) for drawn in EVERYWHERE.values()] == [2] * len(EVERYWHERE)
        assert len(both) < 60_000
        # Arabic letters join: one letter three times is three shapes, and each is read as that letter.
        [joined] = [
            line for line in reading_pdf.glyphs(pdf.draw(dataclasses.replace(sheet, mark="ممم"))) if line[0][1] == "م"
        ]
        assert [letter for _code, letter in joined] == ["م"] * 3
        assert len({code for code, _letter in joined}) == 3
        # A sheet that is itself in such a language begins at the right, its tables too.
        turned = dataclasses.replace(sheet, title="إيصال", facts=[], paragraphs=[], tables=[table])
        assert turned.can_be_written
        assert reading_pdf.lines(pdf.draw(turned))[2:4] == ["Amount", "Day"]
        # What has no letters (pictographs) goes, and the sheet says so; what no font has is marked.
        for text, left in (
            ("Łódź \U0001f389 run", "Łódź run"),
            ("Łódź \U00012000", pdf.MARK),
            ("\U0001f389", pdf.MARK),
        ):
            read = reading_pdf.lines(pdf.draw(dataclasses.replace(sheet, facts=[("From", text)])))
            assert read[2] == left
            assert read[4].startswith("This file cannot show all letters")


def test_names_in_other_letters_do_not_break_the_pdf_and_it_says_where_they_are_read(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lettering, "FONTS", ())
    with app.test_request_context():
        for value, whole in (
            ("Zoë Müller", True),
            ("Dvořák “Łódź” – €5", False),
            ("Ганна Шевченко", False),
            ("محمد", False),
            ("愛子", False),
            ("x" * 400, True),
        ):
            sheet = pdf.Sheet("Receipt 1", "", [("From", value)], ["Text"], [], "https://example.org/r")
            assert pdf._written(value)[1] == whole
            drawn = pdf.draw(sheet)
            assert drawn.startswith(b"%PDF-")
            longer = pdf.draw(dataclasses.replace(sheet, facts=[("From", "Zoe")]))
            assert (len(drawn) > len(longer)) or whole
        assert pdf._written("Dvořák")[0] == "Dvorák"
        assert pdf._written("愛子")[0] == pdf.MARK
    assert papers.plain_money(Money(123456, "EUR")) == "EUR 1,234.56"
