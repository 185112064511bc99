"""How a browser walks through the pages of imports: what its tests share."""

from __future__ import annotations

import re
from collections.abc import Callable

import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.audit import AuditEvent
from app.core.db import db, transaction
from app.core.ids import decode_id, encode_id
from app.imports.models import ImportBatch
from app.imports.queries import count_outcomes
from app.needs.models import Need
from app.signups.operations import sign_up
from tests.conftest import CheckingClient
from tests.factories import make_person

SignIn = Callable[..., CheckingClient]
FILE = """Nr;Titel;Beschreibung;Ort;Bundesland;Beginn;Ende;Personen;Sachspenden
1;Sort food;Bring gloves;Newark;NJ;2031-03-10 18:00;2031-03-10 20:00;5;"rice, beans"
2;Cook;With us;Newark;NJ;tomorrow;;4;
3;;No title;Newark;NJ;;;;soap
4;Just an idea;;Nowhereville;;;;;
"""


def upload(client: CheckingClient, content: bytes | str, name: str = "needs.csv") -> TestResponse:
    """Send a file as a browser does. (The test client's own way would leave a large one open.)"""
    content = content.encode() if isinstance(content, str) else content
    token = f'--end\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{client.csrf_token()}\r\n'
    file = f'--end\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/csv\r\n\r\n'
    body = token.encode() + file.encode() + content + b"\r\n--end--\r\n"
    return client.post("/manage/pantry/import", data=body, content_type="multipart/form-data; boundary=end")


def batch_of(response: TestResponse) -> ImportBatch:
    """The batch that an address is about."""
    found = re.search(r"/import/([0-9a-z]{13})", response.location or response.request.path)
    assert found is not None, response.text
    return db.session.get_one(ImportBatch, decode_id(found[1]))


def chosen(page: str) -> dict[str, str]:
    """What the selects of a page have chosen, as a browser sends them."""
    found = {}
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        on = re.search(r'<option selected value="([^"]*)"', options)
        found[name] = on[1] if on else ""
    return found


def look(client: CheckingClient, content: bytes | str, **changes: str) -> ImportBatch:
    """Upload, and take the columns as they are guessed, with changes."""
    sent = upload(client, content)
    assert sent.status_code == 303, sent.text
    columns = client.get(sent.location)
    looked = client.post(sent.location, data={**chosen(columns.text), **changes})
    assert looked.status_code == 303, looked.text
    return batch_of(looked)


def path(batch: ImportBatch, rest: str = "") -> str:
    return f"/manage/pantry/import/{encode_id(batch.id)}{rest}"


def take(client: CheckingClient, batch: ImportBatch, **changes: str) -> ImportBatch:
    assert client.post(path(batch, "/start"), data=changes).status_code == 303
    return db.session.get_one(ImportBatch, batch.id)


def counts(batch: ImportBatch) -> dict[str, int]:
    return count_outcomes([batch.id])[batch.id]


def needs() -> dict[str, Need]:
    """Every need by its title."""
    return {need.title: need for need in db.session.scalars(sa.select(Need))}


def take_place(need: Need, people: int) -> None:
    """Somebody signs up for its first shift."""
    shift_id, person = need.shifts[0].id, make_person()
    with transaction():
        sign_up(shift_id, by=person, party_size=people)


def actions() -> list[str]:
    return list(db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)))
