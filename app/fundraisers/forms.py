"""The shape of what people type about fundraisers: types and lengths, no queries."""

from __future__ import annotations

from wtforms import BooleanField, DateField, RadioField, StringField, TextAreaField
from wtforms.validators import Length, Optional, Regexp, ValidationError

from app.core.forms import PageForm, Required, SelectChoice
from app.core.i18n import _, lazy
from app.core.text import block, line
from app.fundraisers.operations import MAXIMUM_OUTCOME, MAXIMUM_STORY


class FundraiserForm(PageForm):
    """Start or edit a page."""

    title = StringField(
        lazy("Title"),
        filters=[line],
        validators=[Required(lazy("Enter a title")), Length(3, 120, lazy("Write between 3 and 120 characters"))],
    )
    story = TextAreaField(
        lazy("Story"),
        filters=[block],
        validators=[
            Required(lazy("Say why you raise money")),
            Length(1, MAXIMUM_STORY, lazy("Write 20,000 characters or fewer")),
        ],
    )
    goal = StringField(lazy("Goal"), filters=[line])
    ends_on = DateField(
        lazy("Last day"), validators=[Optional()], description=lazy("Leave it empty if there is no end yet")
    )
    show_starter = BooleanField(lazy("Show my name on the page"))
    by_organization = BooleanField(lazy("The organization itself raises the money"))
    is_team = BooleanField(lazy("Others may join with pages of their own"))
    goal_kind = RadioField(
        lazy("What the goal counts"),
        choices=[
            SelectChoice("money", lazy("Money")),
            SelectChoice("donors", lazy("How many people give")),
            SelectChoice("items", lazy("Things that the money buys")),
        ],
        default="money",
        validators=[Optional()],
    )
    goal_donors = StringField(
        lazy("How many people"),
        # Typed, or the number that a page has already.
        filters=[lambda number: line(None if number is None else str(number))],
        validators=[Optional(), Regexp("[0-9]{1,7}$", message=lazy("Enter a number"))],
    )
    item_name = StringField(
        lazy("What the money buys"),
        filters=[line],
        description=lazy("In the plural, for example: backpacks"),
        validators=[Length(max=120, message=lazy("Write 120 characters or fewer"))],
    )
    item_price = StringField(lazy("What one costs"), filters=[line])
    leaderboard = BooleanField(lazy("List the largest gifts by name, where donors show theirs"), default=True)

    def validate_goal(self, field: StringField) -> None:
        """A goal in people needs no sum of money beside it."""
        if not field.data and self.goal_kind.data != "donors":
            raise ValidationError(_("Enter a goal"))


class OutcomeForm(PageForm):
    """What is said on a page that is over."""

    outcome = TextAreaField(
        lazy("Thanks, and what comes of the money"),
        filters=[block],
        validators=[Length(max=MAXIMUM_OUTCOME, message=lazy("Write 5,000 characters or fewer"))],
        description=lazy(
            "Everybody reads it at the top of the page. Markdown works. Name no minors and no private streets"
        ),
    )


class DeclineForm(PageForm):
    """Why a page is not approved."""

    reason = TextAreaField(
        lazy("Reason"),
        filters=[block],
        validators=[
            Required(lazy("Give a reason: it is sent to the person who started the page")),
            Length(1, 300, lazy("Write 300 characters or fewer")),
        ],
    )


class ApprovalForm(PageForm):
    """Whether pages of this organization are public at once."""

    auto_approve = BooleanField(lazy("Approve new fundraisers without reading them first"))


class OverflowForm(PageForm):
    """What becomes of money beyond a goal."""

    overflow_rule = StringField(
        lazy("What becomes of money beyond a goal"),
        filters=[line],
        description=lazy("Shown on every fundraiser. Left empty, the pages say that it goes to your work as a whole"),
        validators=[Length(max=300, message=lazy("Write 300 characters or fewer"))],
    )
