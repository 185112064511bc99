"""Monthly gifts by the API: their donor changes, pauses, resumes and stops them; their organization's staff see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.accounts.models import Person
from app.core.db import transaction
from app.core.ids import decode_id
from app.donations.operations import monthly as operations
from tests.api.test_main_job import Caller
from tests.donations.conftest import WorkOff
from tests.donations.connecting import Connecting, connecting
from tests.donations.test_monthly import Monthly
from tests.factories import make_member, make_organization, make_person

__all__ = ["connecting"]
BODY = {
    "amount_minor": 2500, "currency": "USD", "frequency": "monthly", "name": "Dee", "email": "dee@example.org",
    "anonymous": True,
}  # fmt: skip


class Given(Monthly):
    """A monthly gift that a program began for its donor."""

    def __init__(self, connecting: Connecting, work_off: WorkOff, **wishes: Any) -> None:
        self.connecting, self.work_off = connecting, work_off
        self.person: Person = make_person()
        self.fundraiser = connecting.fundraiser()
        self.donor = Caller(connecting.app, self.person)
        self.staff = Caller(connecting.app, make_member(self.fundraiser.organization, "manager"))
        self.account = connecting.accounts[self.fundraiser.organization_id]
        begun = self.donor("POST", f"/fundraisers/{self.fundraiser.slug}/donations", BODY | wishes)
        assert begun.status_code == 201, begun.json
        self.id = decode_id(begun.json["monthly_gift"]) or 0
        self.path = f"/monthly-gifts/{begun.json['monthly_gift']}"
        self.slug = self.fundraiser.organization.slug
        self.session = begun.json["checkout_url"].rpartition("/")[2]

    def begin(self) -> Given:
        self.connecting.server.act(self.session, "pay")
        self.hear()
        return self


@pytest.fixture
def begin(connecting: Connecting, work_off: WorkOff) -> Callable[..., Given]:
    return lambda **wishes: Given(connecting, work_off, **wishes)


def test_its_donor_changes_pauses_resumes_and_stops_it(begin: Callable[..., Given]) -> None:
    gift = begin()
    pending = gift.donor("GET", gift.path).json
    assert (pending["status"], pending["amount"]["amount_minor"], pending["next_at"]) == ("pending", 2500, None)
    assert gift.donor("GET", "/me/monthly-gifts").json["data"] == []  # nothing was paid yet
    gift.begin()
    active = gift.donor("GET", gift.path).json
    assert (active["status"], active["url"].rpartition("/")[2]) == ("active", gift.url().rpartition("/")[2])
    changed = {"amount": {"amount_minor": 4000, "currency": "USD"}}
    answers = [gift.donor("POST", f"{gift.path}/amount", changed, Idempotency_Key="k") for _time in range(2)]
    assert answers[0].json == answers[1].json
    assert answers[0].json["amount"] == changed["amount"]
    assert answers[0].json["next_at"] is not None
    assert gift.subscription()["items"]["data"][0]["price"]["unit_amount"] == 4000
    assert gift.donor("POST", f"{gift.path}/pause").json["status"] == "paused"
    assert gift.donor("GET", "/me/monthly-gifts?status=paused").json["data"][0]["id"] == active["id"]
    assert gift.donor("POST", f"{gift.path}/resume", {}).json["status"] == "active"
    assert gift.donor("POST", f"{gift.path}/card").json["url"].startswith("http")
    gift.renew()
    gift.hear()
    months = gift.staff("GET", f"{gift.path}/donations").json["data"]
    assert [(month["amount"]["amount_minor"], month["monthly_gift"]) for month in months] == [
        (4000, active["id"]), (2500, active["id"]),
    ]  # fmt: skip
    stopped = gift.donor("POST", f"{gift.path}/stop").json
    assert (stopped["status"], stopped["ended_by"], stopped["next_at"]) == ("ended", "donor", None)
    assert gift.subscription()["status"] == "canceled"
    for act in ("pause", "amount"):
        body = changed if act == "amount" else None
        refused = gift.donor("POST", f"{gift.path}/{act}", body)
        assert (refused.status_code, refused.json["code"]) == (409, "monthly_over")


@pytest.mark.rule("F9")
@pytest.mark.rule("A1")
def test_staff_see_it_without_a_hidden_name_and_nobody_else_does(begin: Callable[..., Given]) -> None:
    gift, unpaid = begin().begin(), begin(email="never@example.org")
    [seen] = gift.staff("GET", f"/organizations/{gift.slug}/monthly-gifts").json["data"]
    # A checkout that was never paid is none, also when its donor stopped it.
    for _state in ("pending", "ended"):
        assert unpaid.staff("GET", unpaid.path).status_code == 404
        assert unpaid.staff("GET", f"{unpaid.path}/donations").status_code == 404
        assert len(unpaid.staff("GET", f"/organizations/{unpaid.slug}/monthly-gifts").json["data"]) == 1
        assert unpaid.donor("GET", "/me/monthly-gifts").json["data"] == []
        if _state == "pending":
            with transaction():
                operations.end(operations.get(unpaid.id), "donor")
    assert unpaid.donor("GET", unpaid.path).json["status"] == "ended"
    assert (seen["name"], seen["email"], seen["url"]) == ("Dee", "dee@example.org", None)
    hidden = begin(hide_from_organization=True, name="Nobody's business", email="hidden@example.org").begin()
    listed = gift.staff("GET", f"/organizations/{gift.slug}/monthly-gifts?status=active")
    assert [row["name"] for row in listed.json["data"]] == [None, "Dee"]
    assert "hidden@example.org" not in listed.text
    assert hidden.staff("GET", hidden.path).json["email"] is None
    assert hidden.donor("GET", hidden.path).json["email"] == "hidden@example.org"
    for act in ("amount", "pause", "resume", "stop", "card"):
        body = {"amount": {"amount_minor": 4000, "currency": "USD"}} if act == "amount" else {}
        assert gift.staff("POST", f"{gift.path}/{act}", body).status_code == 404  # it is its donor's alone
        assert hidden.donor("POST", f"{gift.path}/{act}", body).status_code == 404
    outsiders = [hidden.donor, Caller(gift.connecting.app, make_member(make_organization(), "owner"))]
    for outsider in outsiders:
        assert outsider("GET", gift.path).status_code == 404
        assert outsider("GET", f"{gift.path}/donations").status_code == 404
        assert outsider("GET", f"/organizations/{gift.slug}/monthly-gifts").status_code == 404
    assert gift.row().status == "active"
    reader = Caller(gift.connecting.app, gift.person, ["donations:read"])
    assert reader("POST", f"{gift.path}/stop").status_code == 403


@pytest.mark.rule("A4")
def test_what_cannot_be_given_is_said_and_a_silent_service_is_asked_again(begin: Callable[..., Given]) -> None:
    gift = begin().begin()
    for money, field in ((49, "amount"), (10**30, "amount"), ("40", "amount.amount_minor")):
        answer = gift.donor("POST", f"{gift.path}/amount", {"amount": {"amount_minor": money, "currency": "USD"}})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field), money
    other = gift.donor("POST", f"{gift.path}/amount", {"amount": {"amount_minor": 2500, "currency": "EUR"}})
    assert (other.status_code, other.json["errors"][0]["field"]) == (422, "amount")
    server = gift.connecting.server
    server.hook("POST", "faults", {"mode": "500", "times": 100})
    for act in ("pause", "resume", "card"):
        assert gift.donor("POST", f"{gift.path}/{act}").status_code == 503
    stopping = gift.donor("POST", f"{gift.path}/stop").json
    assert (stopping["status"], stopping["stopping"]) == ("active", True)  # promised, whatever answers
    server.hook("DELETE", "faults")
    ended = gift.donor("POST", f"{gift.path}/stop").json
    assert (ended["status"], ended["stopping"], gift.subscription()["status"]) == ("ended", False, "canceled")


@pytest.mark.rule("A4")
def test_what_stripe_refuses_for_good_is_a_refusal_and_nothing_to_send_again(begin: Callable[..., Given]) -> None:
    gift = begin().begin()
    server, client = gift.connecting.server, gift.connecting.client
    more = {"amount": {"amount_minor": 4000, "currency": "USD"}}

    def codes(*acts: str) -> list[tuple[int, str]]:
        answers = [gift.donor("POST", f"{gift.path}/{act}", more if act == "amount" else {}) for act in acts]
        return [(answer.status_code, answer.json["code"]) for answer in answers]

    server.hook("POST", "faults", {"mode": "400", "method": "POST", "times": 100})
    assert codes("pause", "card", "amount") == [(409, "payment_refused")] * 3
    assert gift.donor("POST", f"{gift.path}/resume").status_code == 200  # it runs: there is nothing to ask for
    page = client.post(gift.url("/pause"))
    assert (page.status_code, "your gift goes on as it was" in page.text) == (409, True)
    still = gift.donor("GET", gift.path).json
    assert (still["status"], still["amount"]["amount_minor"], still["changing_to"]) == ("active", 2500, None)
    again = gift.donor("POST", f"/fundraisers/{gift.fundraiser.slug}/donations", BODY, Idempotency_Key="k")
    assert (again.status_code, again.json["code"]) == (409, "payment_refused")
    owner = Caller(gift.connecting.app, make_member(gift.fundraiser.organization, "owner"))
    account = f"/organizations/{gift.slug}/payment-account"
    assert owner("GET", account).json["dashboard_url"].endswith(f"/accounts/{gift.account}")
    onboarding = owner("POST", account)
    assert (onboarding.status_code, onboarding.json["code"]) == (409, "account_refused")
    server.hook("DELETE", "faults")
    # Ended there, and nobody told us: that is what stands in the way.
    server.call("DELETE", f"/v1/subscriptions/{gift.row().stripe_subscription_id}", account=gift.account)
    assert codes("pause") == [(409, "monthly_over")]
    assert gift.row().status == "ended"
    gone = begin(email="gone@example.org").begin()
    server.act_on_account(gone.account, "deauthorize")
    refused = gone.donor("POST", f"{gone.path}/pause")
    assert (refused.status_code, refused.json["code"]) == (409, "account_gone")
    assert "tell your bank" in refused.json["reasons"][0]["remedy"]
    owner = Caller(gone.connecting.app, make_member(gone.fundraiser.organization, "owner"))
    assert owner("GET", f"/organizations/{gone.slug}/payment-account").json["status"] == "deauthorized"
