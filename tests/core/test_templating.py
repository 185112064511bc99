"""What templates may call besides Flask's own."""

from __future__ import annotations

from markupsafe import Markup

from app.core.templating import label_cells


def test_each_cell_of_a_row_says_its_heading() -> None:
    rows = Markup(
        '<tr>\n<th scope="row">Sam</th><td class="number">2</td><td>&lt;td&gt;</td></tr>\n'
        '<tr class="late"><th scope="row">Rosa</th><td class="number">1</td><td></td></tr>'
    )
    assert label_cells(rows, ["Name", ("People", "number"), 'What "else"']) == (
        '<tr>\n<th scope="row">Sam</th><td data-label="People" class="number">2</td>'
        '<td data-label="What &#34;else&#34;">&lt;td&gt;</td></tr>\n'
        '<tr class="late"><th scope="row">Rosa</th><td data-label="People" class="number">1</td>'
        '<td data-label="What &#34;else&#34;"></td></tr>'
    )
    # A cell too many has none, and nothing is lost.
    assert label_cells(Markup("<tr><td>1</td><td>2</td></tr>"), ["Only"]) == (
        '<tr><td data-label="Only">1</td><td>2</td></tr>'
    )
