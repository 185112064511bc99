"""Receipts and statements in words: for a page, for a mail and for a PDF alike."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import force_locale

from app.core import when
from app.core.clock import local_date
from app.core.i18n import _
from app.core.letters import speaking
from app.core.money import Money, to_decimal
from app.donations import pdf
from app.donations.receipt_models import Receipt
from app.donations.statements import Line, Statement


def title(receipt: Receipt) -> str:
    """What the document is called."""
    if receipt.corrects is not None:
        return _("Correction %(number)s of receipt %(old)s", number=receipt.label, old=receipt.corrects.label)
    return _("Receipt %(number)s", number=receipt.label)


def number_name(country: str) -> str:
    """What the number under which an organization of `country` is registered is called there."""
    return {"US": _("EIN"), "GB": _("Charity number")}.get(country, _("Registration number"))


def plain_money(money: Money) -> str:
    """An amount that any font can write: "USD 25.00"."""
    return f"{money.currency} {to_decimal(money):,}"


def kind_said(line: Line) -> str:
    """What happened on a line of a statement."""
    if line.kind == "gift":
        return _("Gift")
    if line.kind == "offline":
        return _("Gift in person")
    if line.kind.startswith("dispute"):
        return _("Disputed at the bank")
    return _("Went back")


def text(receipt: Receipt, *, named: bool = True) -> str:
    """What a receipt says. `named`: with the donor's name, which an organization's own text may hold ({donor})."""
    donor = receipt.company or receipt.donor_name
    return receipt.text if named or not donor else receipt.text.replace(donor, _("Anonymous"))


def facts(receipt: Receipt, money: Callable[[Money], str], *, named: bool = True) -> list[tuple[str, str]]:
    """Name and value of everything on a receipt. `named`: with the donor's name."""
    donor = receipt.company or receipt.donor_name
    if receipt.company and receipt.donor_name:
        donor = _("%(company)s (%(name)s)", company=receipt.company, name=receipt.donor_name)
    is_gift = receipt.corrects_id is None
    return [
        (_("Number"), receipt.label),
        (_("To"), receipt.organization_name),
        (number_name(receipt.country), receipt.tax_id),
        (_("From"), donor if named else _("Anonymous")),
        (_("Amount") if is_gift else _("Change"), money(Money(receipt.amount_minor, receipt.currency))),
        (
            "" if is_gift else _("What counts now"),
            "" if is_gift else money(Money(receipt.stands_minor, receipt.currency)),
        ),
        (_("Day of the gift"), when.full_day(receipt.given_on)),
        (_("Through"), receipt.title),
        # In the same calendar as the day of the gift: a receipt is never issued before it.
        (_("Issued"), when.full_day(local_date(receipt.issued_at, receipt.donation.fundraiser.organization.time_zone))),
    ]


def test_mark(mode: str) -> str:
    """What stands above a document of the test mode; "" on others."""
    return _("TEST: no money was given, and this is no receipt") if mode == "test" else ""


def receipt_pdf(receipt: Receipt, url: str, *, named: bool = True) -> bytes:
    """The receipt as a PDF, in the language in which it was issued where the fonts can write that, else in English."""

    def sheet() -> pdf.Sheet:
        return pdf.Sheet(
            title=title(receipt),
            mark=test_mark(receipt.mode),
            facts=[pair for pair in facts(receipt, plain_money, named=named) if pair[0]],
            paragraphs=[text(receipt, named=named)],
            tables=[],
            url=url,
        )

    return _drawn(sheet, receipt.locale)


def statement_pdf(statement: Statement, url: str, *, mode: str, locale: str) -> bytes:
    """The statement as a PDF."""

    def sheet() -> pdf.Sheet:
        return pdf.Sheet(
            title=statement_title(statement),
            mark=test_mark(mode),
            facts=[
                (_("From"), statement.donor),
                (_("Drawn up"), when.full_day(statement.drawn_up_on)),
            ],
            paragraphs=[],
            tables=[
                pdf.Table(
                    caption=part.organization
                    + (f" ({number_name(part.country)} {part.tax_id})" if part.tax_id else ""),
                    headings=(_("Day"), _("What happened"), _("Through"), _("Receipt"), _("Amount")),
                    rows=[
                        (line.on.isoformat(), kind_said(line), line.title, line.receipt, plain_money(line.amount))
                        for line in part.lines
                    ],
                    total=(_("Together"), plain_money(part.total)),
                )
                for part in statement.parts
            ],
            url=url,
        )

    return _drawn(sheet, locale)


def statement_title(statement: Statement) -> str:
    """What the statement is called."""
    return _("What you gave in %(year)s", year=str(statement.year))


def _drawn(sheet: Callable[[], pdf.Sheet], locale: str) -> bytes:
    with speaking(locale):
        drawn = sheet()
        if drawn.can_be_written:
            return pdf.draw(drawn)
    with force_locale("en"):
        return pdf.draw(sheet())
