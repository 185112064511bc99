"""All that a donor gave in a year: for whoever is signed in, and by a link that is written to a mailbox alone."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app.accounts.session import current_person
from app.core.db import transaction
from app.core.forms import PageForm
from app.core.i18n import _
from app.core.web import public, settings, signed_in
from app.donations import papers, queries, statements
from app.donations.models import Donation
from app.donations.operations import receipts as issuing
from app.donations.views.blueprint import donations
from app.donations.views.receipts import PRIVATE, as_pdf, told_already


def _page(whose: Any, year: int, pdf_url: str, others: dict[int, str]) -> ResponseReturnValue:
    """The statement of `year`; 404 where nothing moved in it."""
    drawn = statements.draw_up(whose, year, mode=settings().payments_mode)
    if not drawn.parts:
        abort(404)
    values = {
        "heading": papers.statement_title(drawn),
        "kind_said": papers.kind_said,
        "number_name": papers.number_name,
    }
    mark = papers.test_mark(statements.mode_told(settings().payments_mode))
    page = render_template(
        "donations/statement.html", statement=drawn, pdf_url=pdf_url, others=others, mark=mark, **values
    )
    return page, 200, PRIVATE


def _as_pdf(whose: Any, year: int, address: str) -> ResponseReturnValue:
    mode = settings().payments_mode
    drawn = statements.draw_up(whose, year, mode=mode)
    if not drawn.parts:
        abort(404)
    told = statements.mode_told(mode)
    content = papers.statement_pdf(drawn, settings().base_url + address, mode=told, locale=str(get_locale()))
    return as_pdf(content, f"gifts-{year}.pdf")


@donations.get("/my-help/gifts/<int:year>")
@signed_in
def own_statement(year: int) -> ResponseReturnValue:
    """All that whoever is signed in gave in a year, with the way to the other years."""
    whose = statements.of_person(current_person())
    years = statements.list_years(whose, mode=settings().payments_mode)
    others = {other: url_for("donations.own_statement", year=other) for other in years if other != year}
    return _page(whose, year, url_for("donations.own_statement_pdf", year=year), others)


@donations.get("/my-help/gifts/<int:year>.pdf")
@signed_in
def own_statement_pdf(year: int) -> ResponseReturnValue:
    """The same as a PDF."""
    whose = statements.of_person(current_person())
    return _as_pdf(whose, year, url_for("donations.own_statement", year=year))


@donations.post("/donations/<token>/statement")
@public(load=queries.find_donation_by_token)
def send_statement(donation: Donation) -> ResponseReturnValue:
    """Write the donor links to all that was given under their address, year by year. No page shows them: whoever holds the
    link of one gift need not be whoever reads that mailbox."""
    donation_id, token = donation.id, queries.donation_token(donation.id)
    if not PageForm().validate() or not donation.email:
        abort(400)
    with transaction():
        asked = issuing.send_statement(donation_id)
    flash(_("We send you a link by mail") if asked.is_promised else told_already())
    return redirect(url_for("donations.show", token=token), code=303)


@donations.get("/statements/<token>")
@public(load=statements.find_by_token)
def statement(asked: tuple[Donation, int]) -> ResponseReturnValue:
    """All that was given under the address that the link was written to, in its year."""
    donation, year = asked
    whose = statements.of_address(donation)
    years = statements.list_years(whose, mode=settings().payments_mode)
    others = {
        other: url_for("donations.statement", token=statements.statement_token(donation.id, other))
        for other in years
        if other != year
    }
    token = statements.statement_token(donation.id, year)
    return _page(whose, year, url_for("donations.statement_pdf", token=token), others)


@donations.get("/statements/<token>/pdf")
@public(load=statements.find_by_token)
def statement_pdf(asked: tuple[Donation, int]) -> ResponseReturnValue:
    """The same as a PDF."""
    donation, year = asked
    address = url_for("donations.statement", token=statements.statement_token(donation.id, year))
    return _as_pdf(statements.of_address(donation), year, address)
