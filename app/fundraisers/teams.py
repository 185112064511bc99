"""Teams: a page that others join with pages of their own. What is given to a member's page counts on the team's page, too, for
good: a gift keeps the team it was begun for, whoever leaves later. Every function runs inside the caller's transaction."""

from __future__ import annotations

from app.accounts.models import Person
from app.core.audit import record
from app.core.db import db
from app.core.errors import refuse
from app.core.i18n import _
from app.fundraisers.models import Fundraiser
from app.fundraisers.operations import lock_fundraiser


def leave_team(fundraiser_id: int, *, by: Person) -> Fundraiser:
    """The page goes on alone; what was given while it was part of the team stays counted there. By whoever started it, or by
    the captain. A page of no team stays as it is."""
    fundraiser = lock_fundraiser(fundraiser_id)
    if fundraiser.team_id is None:
        return fundraiser
    team_id, fundraiser.team_id = fundraiser.team_id, None
    fundraiser.version += 1
    record(
        "fundraiser.left_team",
        subject=fundraiser,
        by=by,
        organization_id=fundraiser.organization_id,
        data={"team_id": team_id},
    )
    db.session.flush()
    return fundraiser


def hand_over_team(team_id: int, *, by: Person, to_page_id: int) -> Fundraiser:
    """Another member is captain: changes the team's page, ends it, removes members. Raises Refused when that is no page of the
    team that its organization approved."""
    team = lock_fundraiser(team_id)
    member = db.session.get(Fundraiser, to_page_id)
    if member is None or member.team_id != team.id or member.status != "live":
        raise refuse("not_a_member", _("Choose somebody whose page is live and part of the team"))
    if team.started_by_id == member.started_by_id:
        return team
    before, team.started_by_id = team.started_by_id, member.started_by_id
    # The name that was shown was the other's choice.
    team.show_starter = False
    team.version += 1
    record(
        "fundraiser.captain",
        subject=team,
        by=by,
        organization_id=team.organization_id,
        data={"from_id": before, "to_id": team.started_by_id},
    )
    db.session.flush()
    return team
