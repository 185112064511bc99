"""What the demo payment server lets go wrong on purpose, and what it remembers of those who ask."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest
import stripe

from tests.demo_payments import DemoServer, Receiver
from tests.money.test_demo_payment_server import browse, create, page, params


def test_events_come_twice_late_in_any_order_or_not_at_all(tmp_path: Path) -> None:
    with Receiver() as receiver, DemoServer(tmp_path, receiver.url) as server:
        server.hold()
        server.request("/_demo/webhook_trouble", {"duplicate": 0.5, "drop": 0.2, "reorder": True})
        for _number in range(12):
            server.act(create(server).id, "pay")
        server.settle()
        server.hold(False)
        deadline = time.monotonic() + 20
        while any(one["state"] == "pending" for one in server.request("/_demo/deliveries")["data"]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        happened = [event.id for event in server.client().v1.events.list({"limit": 100}).auto_paging_iter()][::-1]
        came = [json.loads(body)["id"] for _headers, body in receiver.received]
        assert max(Counter(came).values()) > 1
        assert set(came) < set(happened)
        firsts = list(dict.fromkeys(came))
        assert firsts != [event for event in happened if event in came]
        # The control: without trouble everything comes once, in order.
        server.request("/_demo/webhook_trouble", {})
        receiver.received.clear()
        server.act(create(server).id, "pay")
        receiver.wait_for("charge.updated")
        assert receiver.types()[-5:] == [
            "payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed",
            "charge.updated",
        ]  # fmt: skip


def test_an_endpoint_that_was_made_hears_what_it_asked_for(tmp_path: Path) -> None:
    with Receiver() as made, Receiver() as connect, DemoServer(tmp_path) as server:
        client = server.client().v1
        own = client.webhook_endpoints.create({"url": made.url, "enabled_events": ["checkout.session.completed"]})
        theirs = client.webhook_endpoints.create({"url": connect.url, "enabled_events": ["*"], "connect": True})
        client.webhook_endpoints.create({"url": "https://elsewhere.example.org/hook", "enabled_events": ["*"]})
        server.act(create(server).id, "pay")
        server.account()
        made.wait_for("checkout.session.completed")
        connect.wait_for("account.updated")
        assert (made.types(), connect.types()) == (["checkout.session.completed"], ["account.updated"])
        for secret, (headers, body) in ((own.secret, made.received[0]), (theirs.secret, connect.received[0])):
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret)
        # Neither what is switched off nor what was deleted hears anything; nobody is shown a secret again.
        client.webhook_endpoints.update(own.id, {"disabled": True})
        server.act(create(server).id, "pay")
        client.webhook_endpoints.update(own.id, {"disabled": False})
        expired = create(server)
        client.checkout.sessions.expire(expired.id)
        last = create(server)
        server.act(last.id, "pay")
        made.wait_for("checkout.session.completed", 2)
        assert [json.loads(body)["data"]["object"]["id"] for _headers, body in made.received][1:] == [last.id]
        assert client.webhook_endpoints.delete(own.id).deleted is True
        assert "secret" not in client.webhook_endpoints.list().data[0]
        assert own.id not in {one.id for one in client.webhook_endpoints.list()}


def test_a_person_lets_things_go_wrong_and_time_pass_on_a_page(tmp_path: Path) -> None:
    with DemoServer(tmp_path) as server:
        address = f"{server.base_url}/trouble"
        assert 'href="/trouble"' in page(f"{server.base_url}/")
        assert "Every request is answered." in page(address)
        assert browse(address, {"fault": "500"})[0] == 303
        assert "3 of the site's next requests go wrong." in page(address)
        with pytest.raises(stripe.APIError):
            create(server, "gift")
        assert "2 of the site's next requests go wrong." in page(address)
        browse(address, {"events": "drop"})
        assert "They come as you chose: some never come." in page(address)
        browse(address, {"end": "yes"})
        assert "Every request is answered." in page(address)
        assert "Each comes once, in order, at once." in page(address)
        session = create(server, "gift")
        browse(address, {"advance": "10800"})
        assert server.client().v1.checkout.sessions.retrieve(session.id).status == "open"  # it lives a day
        browse(address, {"advance": "86400"})
        assert server.client().v1.checkout.sessions.retrieve(session.id).status == "expired"
        # Whoever asks has a clock of their own, and cannot know of this one: their page opens and lives as long as they asked.
        for ahead in (86400 + 10800, 31 * 86400):
            soon = int(time.time()) + 2 * 3600
            asked = create(server, f"soon-{ahead}", expires_at=soon)
            assert asked.expires_at == soon
            browse(address, {"advance": "10800"})
            assert server.client().v1.checkout.sessions.retrieve(asked.id).status == "expired"
            browse(address, {"advance": str(31 * 86400)})
        for wrong in (20 * 60, 25 * 3600):  # Stripe's own limits hold by that clock as well
            with pytest.raises(stripe.InvalidRequestError):
                create(server, expires_at=int(time.time()) + wrong)
        assert "Today it is" in page(address)
        browse(address, {"today": "yes"})
        assert "Today it is" not in page(address)
        left = server.client().v1.checkout.sessions.retrieve(create(server, "back").id).expires_at - time.time()
        assert 23 * 3600 < left <= 24 * 3600
        for nonsense in ({}, {"fault": "flood"}, {"events": "9"}, {"advance": "1"}):
            assert browse(address, nonsense)[0] == 400


def test_an_answer_that_takes_too_long_was_done_all_the_same(tmp_path: Path) -> None:
    with DemoServer(tmp_path) as server:
        server.fault("timeout", method="POST", path="/checkout/sessions", seconds=0.1)
        with pytest.raises(stripe.APIConnectionError):
            create(server, "gift", client_reference_id="late")
        found = create(server, "gift", client_reference_id="late")
        assert [one.id for one in server.client().v1.checkout.sessions.list()] == [found.id]
        server.fault("500", path="/checkout/sessions", times=1000, share=0.5)
        outcomes = set()
        for number in range(30):
            try:
                outcomes.add(create(server, f"half-{number}").status)
            except stripe.APIError as error:
                outcomes.add(str(error.http_status))
        assert outcomes == {"open", "500"}


def test_who_was_refused_and_who_sent_no_key_is_remembered(tmp_path: Path) -> None:
    with DemoServer(tmp_path) as server:
        create(server, "gift")
        assert (server.refused(), server.request("/_demo/unkeyed")["data"]) == ([], [])
        create(server)
        assert [one["path"] for one in server.request("/_demo/unkeyed")["data"]] == ["/v1/checkout/sessions"]
        with pytest.raises(stripe.InvalidRequestError):
            server.client().v1.checkout.sessions.create(params(payment_method_types=["card"]))
        server.fault("500", path="/v1/events")
        with pytest.raises(stripe.APIError):
            server.client().v1.events.list()
        assert server.refused() == [("POST", "/v1/checkout/sessions", 400, "payment_method_types")]
        server.request("/_demo/refused", method="DELETE")
        assert server.refused() == []
