"""Fundraisers by the API: what a goal counts, teams, pictures, news, what donors write; as the pages have it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.accounts.models import Person
from app.core.clock import today
from app.core.db import db, transaction
from app.core.money import Money
from app.donations.messages import HIDDEN_AFTER
from app.donations.operations.offline import record_offline
from app.fundraisers.models import FundraiserPicture
from app.fundraisers.queries import find_fundraiser
from app.organizations.models import Organization
from app.pages.demo_logos import draw_logo
from tests.api.test_main_job import Caller
from tests.factories import make_member, make_organization, make_person

# What each link of a page leads to.
LINKS = {
    "share": "text/html", "card": "image/png", "qr_png": "image/png", "qr_svg": "image/svg+xml", "poster": "text/html",
    "embed": "text/html", "embed_button": "text/html", "oembed": "application/json",
}  # fmt: skip


def dollars(minor: int) -> dict[str, Any]:
    return {"amount_minor": minor, "currency": "USD"}


@pytest.fixture
def organization(app: Flask) -> Organization:
    return make_organization(auto_approve_fundraisers=True, overflow_rule="It buys more books.")


def body(organization: Organization, **changes: Any) -> dict[str, Any]:
    return {
        "organization": organization.slug, "title": "Run for books", "story": "Why I run.", "goal": dollars(50000), **changes,
    }  # fmt: skip


def in_person(slug: str, owner: Person, minor: int, **values: Any) -> None:
    """A gift that counts at once."""
    fundraiser = find_fundraiser(slug)
    assert fundraiser is not None
    day = today(fundraiser.organization.time_zone)
    with transaction():
        record_offline(
            fundraiser.id, by=owner, amount=Money(minor, "USD"), name="Dee", received_on=day, mode="demo", **values
        )


def test_a_goal_counts_donors_or_things_and_says_what_becomes_of_more(app: Flask, organization: Organization) -> None:
    starter, owner = make_person(name="Ayo"), make_member(organization, "owner")
    ask, staff = Caller(app, starter), Caller(app, owner)
    things = {"goal_kind": "items", "item_name": "backpacks", "item_price": dollars(2500)}
    made = ask("POST", "/fundraisers", body(organization, **things, show_starter=True, leaderboard=False))
    assert made.status_code == 201, made.json
    slug, path = made.json["slug"], f"/fundraisers/{made.json['slug']}"
    assert (made.json["standing"], made.json["item_price"]) == ({"have": 0, "of": 20}, dollars(2500))
    assert (made.json["overflow_rule"], made.json["starter"], made.json["leaderboard"]) == (
        "It buys more books.", "Ayo", False,
    )  # fmt: skip
    in_person(slug, owner, 6000, anonymous=False)
    in_person(slug, owner, 9000, anonymous=False)
    shown = Caller(app, None)("GET", path)
    assert (shown.json["standing"], shown.json["milestone"]) == ({"have": 6, "of": 20}, 25)
    changes = {"goal_kind": "donors", "goal_donors": 3, "show_starter": False, "leaderboard": True}
    changed = ask("PATCH", path, changes, If_Match=shown.headers["ETag"])
    assert (changed.status_code, changed.json["standing"]) == (200, {"have": 2, "of": 3})
    assert (changed.json["item_name"], changed.json["item_price"], changed.json["starter"]) == ("", None, None)
    assert ask("PATCH", path, changes, If_Match=shown.headers["ETag"]).status_code == 412
    largest = Caller(app, None)("GET", f"{path}/leaders").json["data"]
    assert [(one["name"], one["amount"]["amount_minor"]) for one in largest] == [("Dee", 9000), ("Dee", 6000)]
    plain = ask("PATCH", path, {"goal_kind": "money"}).json
    assert (plain["goal_kind"], plain["goal_donors"], plain["standing"]) == (
        "money",
        None,
        {"have": 15000, "of": 50000},
    )
    assert ask("PATCH", path, {"title": "Run again"}).json["goal_kind"] == "money"
    alone = ask("PATCH", path, {"goal_kind": "donors", "goal_donors": 2, "goal": None}).json
    assert (alone["goal"], alone["standing"], alone["goal_reached"]) == (None, {"have": 2, "of": 2}, True)
    assert ask("PATCH", path, {"goal_kind": "money"}).status_code == 422
    assert ask("PATCH", path, {"goal_kind": "money", "goal": dollars(50000)}).json["goal_reached"] is False
    gap = ask("PATCH", path, {"story": "What the money does: …", "goal": dollars(60000)})
    assert (gap.status_code, [error["field"] for error in gap.json["errors"]]) == (422, ["story"])
    assert staff("PATCH", f"/organizations/{organization.slug}", {"overflow_rule": ""}).json["overflow_rule"] == ""
    assert ask("GET", path).json["overflow_rule"] == ""


@pytest.mark.rule("A4")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"goal_kind": "donors"}, "goal_donors"),
        ({"goal": None}, "goal"),  # only a goal in donors needs no sum
        ({"goal_kind": "donors", "goal_donors": 0}, "goal_donors"),
        ({"goal_kind": "items", "item_name": "backpacks"}, "item_price"),
        ({"goal_kind": "items", "item_price": dollars(100)}, "item_name"),
        ({"goal_kind": "items", "item_name": "x", "item_price": dollars(50001)}, "item_price"),
        ({"goal_kind": "items", "item_name": "x", "item_price": {"amount_minor": 1, "currency": "EUR"}}, "item_price"),
        ({"goal": {"amount_minor": 50000.5, "currency": "USD"}}, "goal.amount_minor"),
        ({"team": "nobodys-team"}, "team"),
        ({"title": "In memory of …"}, "title"),  # a gap of a beginning
        ({"story": "I chose them because …\n\nThank you!"}, "story"),
    ],
)
def test_what_cannot_be_a_goal_is_said_at_its_field(
    app: Flask, organization: Organization, changes: dict[str, Any], field: str
) -> None:
    answer = Caller(app, make_person())("POST", "/fundraisers", body(organization, **changes))
    assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (422, [field])


def test_staff_decide_suggest_and_end_and_whoever_started_it_says_what_came_of_it(app: Flask) -> None:
    organization = make_organization()
    owner, starter = make_member(organization, "owner"), make_person()
    staff, ask = Caller(app, owner), Caller(app, starter)
    viewer = Caller(app, make_member(organization, "viewer"))
    begun = ask("POST", "/fundraisers", body(organization)).json
    path = f"/fundraisers/{begun['slug']}"
    assert begun["links"] is None, "nobody passes on what the public may not see"
    waiting = viewer("GET", f"/organizations/{organization.slug}/fundraisers?status=awaiting_approval").json["data"]
    assert [row["title"] for row in waiting] == ["Run for books"]
    declined = staff("POST", f"{path}/decline", {"reason": "Say where you run"}).json
    assert (declined["status"], ask("GET", path).json["declined_reason"]) == ("declined", "Say where you run")
    assert Caller(app, None)("GET", path).status_code == 404
    approved = staff("POST", f"{path}/approve").json
    assert approved["declined_reason"] == ""
    client = app.test_client()
    for name, kind in LINKS.items():
        answer = client.get(approved["links"].pop(name).removeprefix("http://localhost"))
        assert (answer.status_code, answer.mimetype) == (200, kind), name
    assert approved["links"] == {}
    assert ask("POST", f"{path}/decline", {"reason": "No"}).status_code == 404
    amounts = {"suggested_amounts": [dollars(4000), dollars(1000)]}
    suggested = staff("POST", f"{path}/amounts", amounts).json["suggested_amounts"]
    assert [each["amount_minor"] for each in suggested] == [1000, 4000]
    wrong = staff("POST", f"{path}/amounts", {"suggested_amounts": [dollars(1)]})
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "suggested_amounts")
    assert viewer("POST", f"{path}/amounts", amounts).status_code == 404
    assert ask("POST", f"{path}/outcome", {"outcome": "Too early"}).status_code == 404
    ended = staff("POST", f"{path}/end", {"outcome": "Thank you."}).json
    assert (ended["status"], ended["outcome"], ended["accepts_gifts"]) == ("ended", "Thank you.", False)
    assert ask("POST", f"{path}/outcome", {"outcome": "Forty books."}).json["outcome"] == "Forty books."
    assert viewer("POST", f"{path}/end").status_code == 404


def test_a_page_begins_with_a_text_whose_gaps_are_filled_in(app: Flask, organization: Organization) -> None:
    ask = Caller(app, make_person())
    address = f"/organizations/{organization.slug}/beginnings"
    found = {row["code"]: row for row in ask("GET", address).json["data"]}
    assert [code for code, row in found.items() if row["is_team"]] == ["team"]
    begun = {name: found["memory"][name] for name in ("title", "story", "goal", "is_team")}
    assert organization.name in begun["story"]
    refused = ask("POST", "/fundraisers", {"organization": organization.slug, **begun})
    assert (refused.status_code, [each["field"] for each in refused.json["errors"]]) == (422, ["title", "story"])
    filled = {name: begun[name].replace("…", "Ada") for name in ("title", "story")}
    made = ask("POST", "/fundraisers", {"organization": organization.slug, **begun, **filled}).json
    assert (made["title"], made["goal"]) == ("In memory of Ada", dollars(100_000))
    assert Caller(app, None)("GET", "/organizations/nowhere/beginnings").status_code == 404


def test_a_team_is_joined_counts_what_its_members_raise_and_is_handed_over(
    app: Flask, organization: Organization
) -> None:
    captain, member, owner = make_person(), make_person(), make_member(organization, "owner")
    lead, ask = Caller(app, captain), Caller(app, member)
    team = lead("POST", "/fundraisers", body(organization, title="Our class", is_team=True)).json
    assert (team["is_team"], team["team"]) == (True, None)
    path = f"/fundraisers/{team['slug']}"
    joined = ask("POST", "/fundraisers", body(organization, team=team["slug"], is_team=True)).json
    assert (joined["is_team"], joined["team"]) == (False, team["slug"])
    elsewhere = ask("POST", "/fundraisers", body(make_organization(), team=team["slug"]))
    assert elsewhere.json["errors"][0]["field"] == "team"
    in_person(joined["slug"], owner, 3000)
    with transaction():
        db.session.get_one(Organization, organization.id).auto_approve_fundraisers = False
    waits = Caller(app, make_person())("POST", "/fundraisers", body(organization, team=team["slug"])).json
    everybody = lead("GET", f"{path}/members?all=true").json["data"]
    assert [(row["slug"], row["status"]) for row in everybody] == [
        (waits["slug"], "awaiting_approval"), (joined["slug"], "live"),
    ]  # fmt: skip
    for other in (ask, Caller(app, None)):
        assert other("GET", f"{path}/members?all=true").status_code == 404
    listed = Caller(app, None)("GET", f"{path}/members").json["data"]
    assert [(row["slug"], row["raised"]["offline"]["amount_minor"]) for row in listed] == [(joined["slug"], 3000)]
    assert lead("GET", path).json["raised"]["offline"]["amount_minor"] == 3000
    other = lead("POST", "/fundraisers", body(organization, title="Alone")).json
    refused = lead("POST", f"{path}/captain", {"fundraiser": other["slug"]})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "fundraiser")
    assert ask("POST", f"{path}/captain", {"fundraiser": joined["slug"]}).status_code == 404
    assert lead("POST", f"{path}/captain", {"fundraiser": joined["slug"]}).status_code == 200
    assert lead("PATCH", path, {"title": "Mine"}).status_code == 404  # another is captain now
    assert ask("PATCH", path, {"title": "Ours"}).json["title"] == "Ours"
    assert ask("POST", f"/fundraisers/{joined['slug']}/leave").json["team"] is None
    assert Caller(app, None)("GET", f"{path}/members").json["data"] == []
    assert lead("GET", path).json["raised"]["offline"]["amount_minor"] == 3000  # it was given to the team


@pytest.mark.rule("G8")
def test_a_picture_is_sent_as_it_is_drawn_anew_and_taken_away(app: Flask, organization: Organization) -> None:
    ask = Caller(app, make_person())
    path = f"/fundraisers/{ask('POST', '/fundraisers', body(organization)).json['slug']}/pictures"

    def send(content: bytes, query: str, kind: str = "image/png") -> Any:
        address = f"/api/v1{path}?{query}"
        return ask.client.post(address, headers=ask.headers, data=content, content_type=kind)

    picture = draw_logo("lantern")
    made = send(picture, "alt=A+lantern")
    assert (made.status_code, made.json["alt"], made.json["shown"]) == (201, "A lantern", True)
    address = made.json["url"].removeprefix("http://localhost")
    assert ask.client.get(address).status_code == 200
    assert Caller(app, None)("GET", path).json["data"] == [made.json]
    for content, query, kind, status, field in (
        (picture, "", "image/png", 422, "alt"),
        (picture, "alt=x&shows_children=true", "image/png", 422, "consent"),
        (picture, "alt=x", "text/csv", 422, "picture"),
        (b"no picture", "alt=x", "image/png", 409, ""),
        (b"", "alt=x", "image/png", 409, ""),
    ):
        answer = send(content, query, kind)
        assert (answer.status_code, [error["field"] for error in answer.json.get("errors", [{"field": ""}])]) == (
            status, [field],
        )  # fmt: skip
    shows = send(draw_logo("pantry"), "alt=Two+of+the+class&shows_children=true&consent=The+parents,+in+writing")
    assert shows.status_code == 201
    assert "parents" not in Caller(app, None)("GET", path).text
    one = f"/pictures/{shows.json['id']}/remove"
    assert Caller(app, make_person())("POST", one).status_code == 404
    gone = ask("POST", one, {"consent_withdrawn": True}).json
    assert (gone["shown"], gone["alt"]) == (False, "")
    assert [row["id"] for row in ask("GET", path).json["data"]] == [made.json["id"]]
    kept = sa.select(FundraiserPicture.consent_withdrawn).where(FundraiserPicture.removed_at.is_not(None))
    assert list(db.session.scalars(kept)) == [True]


def test_news_are_taken_back(app: Flask, organization: Organization) -> None:
    ask = Caller(app, make_person())
    path = f"/fundraisers/{ask('POST', '/fundraisers', body(organization)).json['slug']}/updates"
    made = ask("POST", path, {"title": "Mile 3", "body": "It rained."}).json
    assert Caller(app, make_person())("POST", f"/updates/{made['id']}/withdraw").status_code == 404
    assert ask("POST", f"/updates/{made['id']}/withdraw").json == made
    assert ask("GET", path).json["data"] == []


@pytest.mark.rule("F9")
def test_what_donors_write_is_reported_hidden_and_shown_and_never_says_whose_it_is(
    app: Flask, organization: Organization
) -> None:
    starter, owner = make_person(), make_member(organization, "owner")
    ask, staff, public = Caller(app, starter), Caller(app, owner), Caller(app, None)
    slug = ask("POST", "/fundraisers", body(organization)).json["slug"]
    path = f"/fundraisers/{slug}"
    in_person(slug, owner, 1000, message="For the books.", email="dee@example.org")
    in_person(slug, owner, 2000)
    silent, said = public("GET", f"{path}/donations").json["data"]
    assert (silent["message_id"], said["message"]) == (None, "For the books.")
    one = f"/messages/{said['message_id']}"
    assert public("POST", f"{one}/hide").status_code == 401
    for _time in range(HIDDEN_AFTER):
        reader = Caller(app, make_person())
        assert reader("POST", f"{one}/report", {"reason": "Not about books"}).json["reported"] is True
    listed = ask("GET", f"{path}/messages?reported=true")
    [reported] = listed.json["data"]
    assert (reported["hidden_by"], reported["reports"]) == ("words", ["Not about books"] * HIDDEN_AFTER)
    assert "Dee" not in listed.text
    assert "dee@example.org" not in listed.text
    hidden = next(row for row in public("GET", f"{path}/donations").json["data"] if row["amount"] == dollars(1000))
    assert (hidden["message"], hidden["message_id"]) == ("", None)
    assert public("POST", f"{one}/report", {"reason": "Again"}).status_code == 404  # nobody sees it any more
    shown = ask("POST", f"{one}/show").json
    assert (shown["hidden_by"], shown["reports"]) == (None, [])
    by_staff = staff("POST", f"{one}/hide", {"reason": "Not about books"}).json
    assert (by_staff["hidden_by"], by_staff["hidden_reason"]) == ("staff", "Not about books")
    refused = ask("POST", f"{one}/show")
    assert (refused.status_code, refused.json["code"]) == (409, "hidden_by_staff")
    assert [len(ask("GET", f"{path}/messages?hidden={said}").json["data"]) for said in ("true", "false")] == [1, 0]
    assert Caller(app, make_person())("POST", f"{one}/show").status_code == 404
    assert Caller(app, make_member(organization, "viewer"))("GET", f"{path}/messages").status_code == 404


def test_a_name_that_everybody_reads_is_reported_and_hidden_as_a_message_is(
    app: Flask, organization: Organization
) -> None:
    owner = make_member(organization, "owner")
    ask, public = Caller(app, make_person()), Caller(app, None)
    path = f"/fundraisers/{ask('POST', '/fundraisers', body(organization)).json['slug']}"
    in_person(path.rpartition("/")[2], owner, 1000, anonymous=False)
    [shown] = public("GET", f"{path}/donations").json["data"]
    assert shown["name"] == "Dee"
    one = f"/messages/{shown['message_id']}"
    assert public("POST", f"{one}/report", {"reason": "x"}).status_code == 404  # nothing was written
    assert public("POST", f"{one}/report", {"reason": "No name", "part": "name"}).status_code == 200
    listed = f"{path}/messages"
    [reported] = ask("GET", f"{listed}?reported=true").json[
        "data"
    ]  # nothing was written: the name alone is to be looked at
    assert (reported["name"], reported["message"], reported["reports"], reported["name_reports"]) == (
        "Dee", "", [], ["No name"],
    )  # fmt: skip
    assert ask("GET", f"{listed}?reported=false").json["data"] == []
    hidden = ask("POST", f"{one}/hide", {"part": "name", "reason": "Nobody's"}).json
    assert (hidden["name_hidden_by"], hidden["hidden_by"]) == ("starter", None)
    assert (hidden["name_hidden_reason"], hidden["name_reports"]) == ("Nobody's", [])
    assert ask("GET", one).json == hidden
    [held] = ask("GET", f"{listed}?hidden=true").json["data"]
    assert held == ask("GET", listed).json["data"][0] == hidden
    assert ask("GET", f"{listed}?hidden=false").json["data"] == []
    [row] = public("GET", f"{path}/donations").json["data"]
    assert (row["name"], row["message_id"]) == (None, None)
    assert public("POST", f"{one}/report", {"reason": "x", "part": "name"}).status_code == 404
    assert ask("POST", f"{one}/show", {"part": "name"}).json["name_hidden_by"] is None
    assert public("GET", f"{path}/donations").json["data"][0]["name"] == "Dee"
    assert ask("GET", listed).json["data"] == []  # a name that nobody minds is none of its business
