"""The public list of needs."""

from __future__ import annotations

from flask import Response, render_template, request

from app.core.cache import anonymous_page
from app.core.i18n import _
from app.core.paging import BadCursor, Page
from app.core.web import public, settings
from app.needs import listing
from app.needs.facets import count_facets
from app.needs.filters import parse
from app.needs.rows import NeedRow
from app.needs.search import search
from app.needs.views.blueprint import needs


@needs.get("/needs")
@public
def index() -> Response:
    """Needs that everybody may see, filtered, in one of five orders, a page at a time."""
    return anonymous_page(_render)


def _render() -> str:
    filters, errors = parse(request.args.getlist, settings().default_country)
    query = listing.Query.read(list(request.args.items(multi=True)))
    first = not filters.cursor
    try:
        page: Page[NeedRow] = search(filters)
    except BadCursor:
        errors["cursor"] = _("That page of the list is no longer there. This is its beginning.")
        filters, first = filters.from_start(), True
        page = search(filters)
    facets = count_facets(filters)
    more = page.next_cursor is not None
    found = listing.finder(query, filters, facets)
    return render_template(
        "needs/index.html",
        form={"errors": errors},
        query=query.from_start(),
        find=found,
        # What the part above the rows depends on, besides the reader's language.
        find_key=(query.from_start(), filters.from_start(), facets, tuple(errors.items())),
        cards=listing.cards(page.rows, filters),
        exact=facets.exact,
        next_url=query.page(page.next_cursor) if page.next_cursor else None,
        first_url=None if first else query.page(""),
        **listing.facts_of(filters, facets, first=first, more=more, shown=len(page.rows)),
    )
