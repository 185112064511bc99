"""The shape of a moderator's decision."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, DateField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, Optional

from app.core.forms import PageForm, Required, choices
from app.core.i18n import lazy
from app.core.text import block, line

DECISION_NAMES = {
    "verified": lazy("Verified"),
    "declined": lazy("Declined"),
    "withdrawn": lazy("Verification withdrawn"),
    "suspended": lazy("Suspended"),
    "resumed": lazy("Suspension ended"),
    "contact_proposed": lazy("Contact with children or adults at risk: one moderator agrees"),
    "contact_granted": lazy("Contact with children or adults at risk: two moderators agree"),
    "contact_ended": lazy("Contact with children or adults at risk: ended"),
}


class _WithContact:
    """Asked for with the decision for which one has to be an adult; left empty it says nothing with another."""

    def __call__(self, form: Any, field: Any) -> None:
        if form.decision.data == "grant_contact":
            Required(lazy("Enter your birth date"))(form, field)
        else:
            Optional()(form, field)


class DecisionForm(PageForm):
    """What was checked, and what follows. Which decisions there are depends on where the organization stands."""

    checked = TextAreaField(
        lazy("What was checked"),
        filters=[block],
        description=lazy(
            "For example: number in the charity register, address, who answered the telephone. Kept on record"
        ),
        validators=[
            Required(lazy("Say what was checked")),
            Length(max=2000, message=lazy("Write 2,000 characters or fewer")),
        ],
    )
    # What `offer` found to make sense now.
    offered: set[str]
    decision = SelectField(lazy("Decision"), validators=[Required(lazy("Choose a decision"))])
    birth_date = DateField(
        lazy("Your birth date"),
        description=lazy(
            "Only for work with children or adults at risk: adults decide that, and we do not know yet that you are one. It goes"
            " into your profile, and is not shown to anybody"
        ),
        validators=[_WithContact()],
        render_kw={"autocomplete": "bday"},
    )

    @property
    def asks_age(self) -> bool:
        """True while it has the field."""
        return "birth_date" in self

    def ask_no_age(self) -> None:
        """It is known, or nothing is decided for which it matters."""
        del self.birth_date

    def offer(self, *, verified: bool, suspended: bool, claimed: bool, contact: str = "") -> None:
        """Set the decisions that make sense now. `contact`: how far moderators agree that it may ask people to work with
        children or adults at risk (G3): "" not at all, "proposed" by another one, "mine" by this one, "granted" by two."""
        offered = [("", lazy("Choose")), ("verify", lazy("Verify")), ("decline", lazy("Decline"))]
        if verified:
            offered = [("", lazy("Choose")), ("withdraw", lazy("Withdraw the verification"))]
            if claimed and contact in ("", "proposed"):
                words = {
                    "": lazy("Propose that it may ask people to work with children or adults at risk"),
                    "proposed": lazy("Agree as the second: it may ask people to work with children or adults at risk"),
                }
                offered.append(("grant_contact", words[contact]))
        if contact:
            offered.append(("withdraw_contact", lazy("End work with children or adults at risk")))
        offered.append(("resume", lazy("End the suspension")) if suspended else ("suspend", lazy("Suspend")))
        self.decision.choices = choices(offered)
        self.offered = {value for value, _words in offered}


class MergeForm(PageForm):
    """Which of two organizations remains. `remaining.choices` are set by the view."""

    remaining = RadioField(lazy("Which one remains?"), validators=[Required(lazy("Choose which one remains"))])
    with_members = BooleanField(
        lazy("The members of the other come along"),
        description=lazy(
            "They see the names of everybody who signed up. An owner becomes a manager where there is an owner. Where"
            " moderators agreed to contact with children or adults at risk for the one that remains and not for the other, all"
            " become viewers, and coordinators of assigned needs stay that, without any need. The clearances that the other"
            " recorded end then, and also when its members do not come along"
        ),
    )
    typed_name = StringField(
        lazy("Name of the one that goes"),
        filters=[line],
        description=lazy("Type it: this cannot be undone"),
        validators=[Required(lazy("Type the name of the one that goes")), Length(max=160)],
    )


class ClaimDecisionForm(PageForm):
    """What was checked about a claim; two buttons decide."""

    checked = TextAreaField(
        lazy("What was checked"),
        filters=[block],
        description=lazy("For example: called the number on their website. The person who asked reads it"),
        validators=[
            Required(lazy("Say what was checked")),
            Length(max=2000, message=lazy("Write 2,000 characters or fewer")),
        ],
    )
