"""The floor: nearly the least code that still serves the same pages from the same rows. Not a product.

Flask, the raw driver and one small template: no language, no forms, no headers, no session. `build` copies what it needs
from a database of the project into tables of its own; DATABASE_URL names that database, and gunicorn serves `bench.floor:app`.
The plan of its queries is the one that the project's index has, too: cells of a quarter of a degree, twenty rows of each.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Flask, request
from jinja2 import DictLoader

URL = os.environ.get("DATABASE_URL", "").removeprefix("sqlite:///")
ON_POSTGRESQL = URL.startswith("postgres")
KEY = b"bench"
SIZE = 0.25

TABLES = (
    "CREATE TABLE f_need (id bigint PRIMARY KEY, org text, title text, description text, city text, lat {f}, lon {f},"
    " starts_at bigint, urgency integer, capacity integer, taken integer, skills text)",
    "CREATE TABLE f_cell (skill integer, cell integer, starts_at bigint, need_id bigint, lat {f}, lon {f},"
    " PRIMARY KEY (skill, cell, starts_at, need_id)) {w}",
    "CREATE TABLE f_shift (id bigint PRIMARY KEY, capacity integer, taken integer)",
    "CREATE TABLE f_signup (shift_id bigint, supporter_id bigint, created_at {f}, PRIMARY KEY (shift_id, supporter_id)) {w}",
    "CREATE TABLE f_gift (ext_id text PRIMARY KEY, cents integer, body text, created_at {f}) {w}",
)


def cell(lat: float, lon: float) -> int:
    """The number of the square that holds a point."""
    return math.floor((lat + 90) / SIZE) * 4096 + math.floor((lon + 180) / SIZE)


def build(rows: Iterable[tuple[Any, ...]], url: str) -> int:
    """Load the floor's tables from (id, organization, title, description, city, lat, lon, starts_at, urgency, capacity,
    skill numbers); returns how many.
    """
    postgresql = url.startswith("postgres")
    connection = _connect(url)
    place = "%s" if postgresql else "?"
    form = {"f": "double precision" if postgresql else "real", "w": "" if postgresql else "WITHOUT ROWID"}
    for name in ("f_need", "f_cell", "f_shift", "f_signup", "f_gift", "f_words"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    for statement in TABLES:
        connection.execute(statement.format(**form))
    needs, cells = [], []
    for key, org, title, text, city, lat, lon, starts, urgency, capacity, skills in rows:
        numbers = ",".join(map(str, skills))
        needs.append((key, org, title, text, city, lat, lon, starts, urgency, capacity, 0, numbers))
        cells += [(skill, cell(lat, lon), starts, key, lat, lon) for skill in (0, *skills)]
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    cursor.executemany(f"INSERT INTO f_need VALUES ({', '.join([place] * 12)})", needs)
    cursor.executemany(f"INSERT INTO f_cell VALUES ({', '.join([place] * 6)})", sorted(cells))
    cursor.executemany(f"INSERT INTO f_shift VALUES ({', '.join([place] * 3)})", [(n, 50, 0) for n in range(1, 201)])
    cursor.execute("COMMIT")
    if postgresql:
        connection.execute("CREATE INDEX ON f_cell (skill, cell, starts_at, need_id) INCLUDE (lat, lon)")
        connection.execute(
            "ALTER TABLE f_need ADD COLUMN tsv tsvector GENERATED ALWAYS AS"
            " (to_tsvector('english', title || ' ' || description || ' ' || city)) STORED"
        )
        connection.execute("CREATE INDEX ON f_need USING gin (tsv)")
        connection.execute("VACUUM ANALYZE")
    else:
        connection.execute(
            "CREATE VIRTUAL TABLE f_words USING fts5 (title, description, city, content='f_need', content_rowid='id',"
            " tokenize='porter unicode61')"
        )
        connection.execute("INSERT INTO f_words (f_words) VALUES ('rebuild')")
        connection.execute("ANALYZE")
    connection.close()
    return len(needs)


def insert_rows(rows: Sequence[tuple[Any, ...]], url: str) -> float:
    """Seconds that raw inserts of `rows` (four texts, two numbers, two texts, a number) take, in batches of 5,000."""
    connection = _connect(url)
    form, mark = ("double precision", "%s") if url.startswith("postgres") else ("real", "?")
    connection.execute("DROP TABLE IF EXISTS f_row")
    connection.execute(
        f"CREATE TABLE f_row (a text PRIMARY KEY, b text, c text, d text, e {form}, f {form}, g text, h text, i integer)"
    )
    cursor = connection.cursor()
    began = time.perf_counter()
    for start in range(0, len(rows), 5000):
        cursor.execute("BEGIN")
        cursor.executemany(f"INSERT INTO f_row VALUES ({', '.join([mark] * 9)})", rows[start : start + 5000])
        cursor.execute("COMMIT")
    return time.perf_counter() - began


def _connect(url: str) -> Any:
    if url.startswith("postgres"):
        import psycopg

        plain = url.replace("postgresql+psycopg://", "postgresql://")
        return psycopg.connect(plain, autocommit=True, prepare_threshold=2)
    connection = sqlite3.connect(url, isolation_level=None, check_same_thread=False, timeout=15, cached_statements=512)
    for pragma in ("journal_mode=wal", "synchronous=full", "mmap_size=2147483648", "busy_timeout=15000"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


app = Flask(__name__)
app.jinja_loader = DictLoader(
    {
        "list.html": """<!doctype html><html lang=en><head><meta charset=utf-8><title>{{ title }}</title></head><body>
<form><label>Search <input name=q></label><button>Go</button></form><h1>{{ title }}</h1><ol>{% for n, km in rows %}<li>
<article><h2><a href="/raw/need/{{ n[0] }}">{{ n[2] }}</a></h2><p>{{ n[1] }} &middot; {{ n[4] }}{% if km is not none %}
&middot; {{ '%.1f'|format(km) }} km{% endif %}</p><p>{{ n[3][:160] }}</p><p><time>{{ n[7]|day }}</time> {{ n[8] }}
{{ n[9] - n[10] }} of {{ n[9] }} left</p></article></li>{% endfor %}</ol></body></html>""",
        "need.html": """<!doctype html><html lang=en><head><meta charset=utf-8><title>{{ n[2] }}</title></head><body>
<h1>{{ n[2] }}</h1><p>{{ n[1] }} &middot; {{ n[4] }}</p><p>{{ n[3] }}</p><p>{{ n[7]|day }} {{ n[9] - n[10] }} of
{{ n[9] }} left</p><p>{{ n[11] }}</p><ul>{% for m in more %}<li><a href="/raw/need/{{ m[0] }}">{{ m[1] }}</a></li>
{% endfor %}</ul></body></html>""",
    }
)
app.jinja_env.filters["day"] = lambda moment: time.strftime("%a %d %b %H:%M", time.gmtime(moment))
_local = threading.local()
COLUMNS = "id, org, title, description, city, lat, lon, starts_at, urgency, capacity, taken, skills"


def connection() -> Any:
    """This thread's connection."""
    if getattr(_local, "connection", None) is None:
        _local.connection = _connect(URL)
    return _local.connection


def q(statement: str, values: tuple[Any, ...] | list[Any] = ()) -> list[Any]:
    """Rows as tuples."""
    return list(connection().execute(statement.replace("?", "%s") if ON_POSTGRESQL else statement, values).fetchall())


def near(lat: float, lon: float, km: float, skills: list[int]) -> list[Any]:
    """The twenty soonest in a circle: twenty of each cell, merged."""
    d, e = km / 111.2, km / (111.2 * max(0.05, math.cos(math.radians(lat))))
    k = math.cos(math.radians(lat)) ** 2
    far = f"111.2*sqrt((lat-({lat}))*(lat-({lat}))+(lon-({lon}))*(lon-({lon}))*{k:.6f})"
    squares = [
        row * 4096 + column
        for row in range(int((lat - d + 90) // SIZE), int((lat + d + 90) // SIZE) + 1)
        for column in range(int((lon - e + 180) // SIZE), int((lon + e + 180) // SIZE) + 1)
    ]
    one = (
        f"SELECT * FROM (SELECT need_id, starts_at, {far} AS km FROM f_cell WHERE skill = ? AND cell = ? AND {far} <= ?"
        " ORDER BY starts_at, need_id LIMIT 20) AS b"
    )
    values = [value for skill in skills for square in squares for value in (skill, square, km)]
    union = " UNION ALL ".join([one] * (len(squares) * len(skills)))
    return q(
        f"SELECT need_id, min(starts_at) AS s, min(km) FROM ({union}) AS u GROUP BY 1 ORDER BY s, 1 LIMIT 20", values
    )


def page(hits: list[Any], title: str) -> str:
    """Twenty listings."""
    marks = ",".join("?" * len(hits)) or "0"
    found = {row[0]: row for row in q(f"SELECT {COLUMNS} FROM f_need WHERE id IN ({marks})", [hit[0] for hit in hits])}
    return app.jinja_env.get_template("list.html").render(rows=[(found[hit[0]], hit[2]) for hit in hits], title=title)


@app.get("/readyz")
def ready() -> str:
    """It answers."""
    return "ready"


@app.get("/raw/browse")
def browse() -> str:
    """Needs near a point, of any skill or of some."""
    given = request.args
    skills = [int(skill) for skill in given.get("skills", "0").split(",")]
    return page(near(float(given["lat"]), float(given["lon"]), float(given["r"]), skills), "Needs")


@app.get("/raw/search")
def search() -> str:
    """Needs by words, best first as the engine ranks them."""
    text = request.args["q"]
    if ON_POSTGRESQL:
        hits = q(
            "SELECT n.id, 0, null FROM f_need n, plainto_tsquery('english', ?) t WHERE n.tsv @@ t"
            " ORDER BY ts_rank(n.tsv, t) DESC LIMIT 20",
            [text],
        )
    else:
        match = " ".join(f'"{word}"' for word in text.split())
        hits = q("SELECT rowid, 0, null FROM f_words WHERE f_words MATCH ? ORDER BY bm25(f_words) LIMIT 20", [match])
    return page(hits, text)


@app.get("/raw/need/<int:key>")
def need(key: int) -> str | tuple[str, int]:
    """One need and five more of its organization."""
    found = q(f"SELECT {COLUMNS} FROM f_need WHERE id = ?", [key])
    if not found:
        return "gone", 404
    more = q("SELECT id, title FROM f_need WHERE id > ? ORDER BY id LIMIT 5", [key])
    return app.jinja_env.get_template("need.html").render(n=found[0], more=more)


@app.post("/raw/claim/<int:shift>")
def claim(shift: int) -> tuple[str, int]:
    """One place: 201, or 409 when none is left or the person has one."""
    values = (shift, int(request.form["s"]), time.time())
    driver = connection()
    if ON_POSTGRESQL:
        import psycopg

        try:
            done = driver.execute(
                "WITH u AS (UPDATE f_shift SET taken = taken + 1 WHERE id = %s AND taken < capacity RETURNING id)"
                " INSERT INTO f_signup SELECT id, %s, %s FROM u",
                values,
            )
        except psycopg.errors.UniqueViolation:
            return "twice", 409
        return ("claimed", 201) if done.rowcount == 1 else ("full", 409)
    if not driver.execute("SELECT 1 FROM f_shift WHERE id = ? AND taken < capacity", (shift,)).fetchone():
        return "full", 409
    driver.execute("BEGIN IMMEDIATE")
    taken = driver.execute("UPDATE f_shift SET taken = taken + 1 WHERE id = ? AND taken < capacity", (shift,)).rowcount
    written = taken == 1 and driver.execute("INSERT OR IGNORE INTO f_signup VALUES (?, ?, ?)", values).rowcount == 1
    driver.execute("COMMIT" if written else "ROLLBACK")
    return ("claimed", 201) if written else ("full", 409)


@app.post("/raw/donation")
def donation() -> tuple[str, int]:
    """A signed message, stored once."""
    body = request.get_data()
    signed = hmac.new(KEY, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signed, request.headers.get("X-Signature", "")):
        return "bad signature", 401
    event = json.loads(body)
    values = (event["id"], int(event.get("cents", 0)), body.decode(), time.time())
    marks = "%s, %s, %s, %s" if ON_POSTGRESQL else "?, ?, ?, ?"
    stored = connection().execute(f"INSERT INTO f_gift VALUES ({marks}) ON CONFLICT DO NOTHING", values)
    return ("new", 201) if stored.rowcount == 1 else ("seen", 200)
