"""Every measurement, one JSON line a scenario: python -m bench [--only NAME] [--engine sqlite] [--needs 10000] [--grown 100000].

Project and floor run side by side on loopback, with the same class and number of workers, and are asked in turns; what
counts is the ratio of medians within one run. The machine is shared: absolute figures move, ratios hardly.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gzip
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import floor, load
from tests import databases, servers

PLACES = ((40.71, -74.0, 25), (41.88, -87.63, 25), (52.52, 13.40, 25), (51.51, -0.13, 10), (34.05, -118.24, 50),
          (48.85, 2.35, 10), (39.74, -104.99, 25), (-33.87, 151.21, 25))  # fmt: skip
WORDS = ("flood+cleanup", "blankets+Chicago", "interpreter+clinic+berlin", "puppy+weekend+Denver")
SKILLS = "cooking,driving,first-aid"
ROUNDS = 3
# Many short turns: whatever else the machine does meanwhile then falls upon both alike.
EVENTS, TURNS = 250, 12
READERS = 2
SCENARIOS = ("pages", "storm", "webhooks", "fundraiser", "memory", "import", "growth", "run")
WEBHOOK_SECRET = "whsec_" + "b" * 32
CONNECT_SECRET = "whsec_" + "c" * 32
PAYMENTS = {
    "PAYMENTS_MODE": "test",
    "STRIPE_SECRET_KEY": "sk_test_" + "b" * 24,
    "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "STRIPE_CONNECT_WEBHOOK_SECRET": CONNECT_SECRET,
}
# A reader with a session is never served from the cache of pages, and an unknown session is nobody's.
UNCACHED = {"Cookie": "session=none"}


def say(scenario: str, engine: str, **values: Any) -> None:
    print(json.dumps({"scenario": scenario, "engine": engine, **values}), flush=True)


def python(environment: dict[str, str], *arguments: str) -> str:
    """The last line of what a process of the project prints."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=servers.ROOT, env=environment, capture_output=True, text=True, check=True)
    return (done.stdout.strip().splitlines() or [""])[-1]


def flask(environment: dict[str, str], *arguments: str) -> str:
    """The last line of what a command prints."""
    return python(environment, "-m", "flask", "--app", "wsgi", *arguments)


def prepare(directory: Path, url: str, needs: int) -> tuple[dict[str, str], float]:
    """A migrated, seeded installation: its environment and the seconds the seed took."""
    directory.mkdir(parents=True, exist_ok=True)
    environment = servers.environment(directory, url)
    flask(environment, "db", "upgrade")
    began = time.perf_counter()
    organizations = str(max(20, needs // 20))
    flask(environment, "seed", "--organizations", organizations, "--needs", str(needs), "--supporters", "1000")
    return environment, time.perf_counter() - began


FLOOR_ROWS = """
SELECT t.need_id, o.name, n.title, n.description, n.city, n.latitude, n.longitude, t.starts, t.urgency, t.skills
FROM need_text AS t JOIN need AS n ON n.id = t.need_id JOIN organization AS o ON o.id = n.organization_id
"""


def fill_floor(source: str, target: str) -> None:
    """The floor's tables, from the same needs."""
    import sqlalchemy as sa

    engine = sa.create_engine(source)
    with engine.connect() as connection:
        rows = [
            (*row[:7], min(row[7], 1 << 33), row[8], 10, [int(skill) for skill in row[9].split()])
            for row in connection.execute(sa.text(FLOOR_ROWS))
        ]
    engine.dispose()
    floor.build(rows, target.removeprefix("sqlite:///"))


def ask_in_turns(
    scenario: str, engine: str, ports: tuple[int, int], paths: list[str], floors: list[str], **headers: str
) -> None:
    """Project and floor, round by round; the ratio of their medians."""
    rates: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS + 1):
        for port, asked, rate in zip(ports, (paths, floors), rates, strict=True):
            outcome = load.steady(port, asked, **(headers if rate is rates[0] else {}))
            if set(outcome.statuses) - {200}:
                raise RuntimeError(f"{scenario}: {outcome.statuses}")
            if number:  # the first round warms
                rate.append(outcome.per_second)
    project, least = load.median(rates[0]), load.median(rates[1])
    say(scenario, engine, per_second=project, floor=least, ratio=round(project / least, 2))


def near(lat: float, lon: float, km: int, more: str = "") -> str:
    return f"/needs?near={lat},{lon}&radius_km={km}{more}"


def measure_pages(engine: str, ports: tuple[int, int]) -> None:
    """Browse, my skills, search and detail against the floor; the size of the list."""
    browse = [near(*place) for place in PLACES]
    floors = [f"/raw/browse?lat={lat}&lon={lon}&r={km}" for lat, lon, km in PLACES]
    ask_in_turns("browse_uncached", engine, ports, browse, floors, **UNCACHED)
    ask_in_turns("browse_cached", engine, ports, browse, floors)
    mine = [near(*place, f"&skills={SKILLS}") for place in PLACES]
    floor_mine = [path + "&skills=23,31,13" for path in floors]
    ask_in_turns("my_skills", engine, ports, mine, floor_mine, **UNCACHED)
    words = [f"/needs?q={word}" for word in WORDS]
    ask_in_turns("search", engine, ports, words, [f"/raw/search?q={word}" for word in WORDS], **UNCACHED)
    from app.core.ids import decode_id

    body = fetch(ports[0], near(*PLACES[0])).decode()
    ids = [part.split('"')[0] for part in body.split('href="/needs/')[1:]]
    details = [f"/needs/{key}" for key in ids]
    ask_in_turns("detail", engine, ports, details, [f"/raw/need/{decode_id(key)}" for key in ids], **UNCACHED)
    say("list_size", engine, listings=len(ids), bytes=len(body.encode()), gzip=len(gzip.compress(body.encode(), 6)))


def fetch(port: int, path: str) -> bytes:
    """One page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return body


def measure_fundraiser(engine: str, environment: dict[str, str], ports: tuple[int, int]) -> None:
    """The page of a fundraiser with 50 gifts and of one with 50,000, asked in turns: how much the larger one costs more."""
    slugs = json.loads(python(environment, "-c", _MAKE_GIFTS))
    rates: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS + 1):
        for slug, rate in zip(slugs, rates, strict=True):
            outcome = load.steady(ports[0], [f"/fundraisers/{slug}"], **UNCACHED)
            if set(outcome.statuses) - {200}:
                raise RuntimeError(f"fundraiser: {outcome.statuses}")
            if number:  # the first round warms
                rate.append(outcome.per_second)
    few, many = map(load.median, rates)
    say("fundraiser", engine, gifts=[50, 50_000], per_second=[few, many], times=round(few / many, 2))


_MAKE_GIFTS = """
import json
from app import create_app
from config import Settings
from tests.donations.test_tally import fill
from tests.factories import make_fundraiser, make_organization

with create_app(Settings.from_environment()).app_context():
    made = [make_fundraiser(make_organization()) for _size in range(2)]
    for fundraiser, size in zip(made, (50, 50_000)):
        fill(fundraiser, size)
    print(json.dumps([fundraiser.slug for fundraiser in made]))
"""


def measure_memory(engine: str, ports: tuple[int, int]) -> None:
    """Proportional set size of each worker after all that."""
    sizes = [load.median(_worker_sizes(port)) for port in ports]
    say("memory_per_worker", engine, mib=sizes[0], floor=sizes[1], ratio=round(sizes[0] / sizes[1], 2))


def _worker_sizes(port: int) -> list[float]:
    sizes = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().decode().split("\0")
            if f"127.0.0.1:{port}" not in command:
                continue
            parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if b"gunicorn" not in (Path("/proc") / str(parent) / "cmdline").read_bytes():
                continue  # the master
            lines = (process / "smaps_rollup").read_text().splitlines()
            sizes += [int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")]
    return sizes


def measure_storm(engine: str, environment: dict[str, str], ports: tuple[int, int]) -> None:
    """200 people for 50 places: wall time, and that exactly 50 have one."""
    emails = [f"s42-{number}@example.org" for number in range(1, 201)]
    tokens = json.loads(flask(environment, "tokens", "create", *emails))["tokens"]
    shifts = json.loads(python(environment, "-c", _MAKE_SHIFTS))
    walls: tuple[list[float], list[float]] = ([], [])
    exact = 0
    for number, shift in enumerate(shifts):
        crowd = [
            load.post(
                f"/api/v1/shifts/{shift}/signups",
                '{"party_size":1}',
                "application/json",
                Authorization=f"Bearer {token}",
            )
            for token in tokens.values()
        ]
        outcome = load.all_at_once(ports[0], crowd, clients=50)
        exact += outcome.statuses.get(201, 0) == 50
        walls[0].append(outcome.wall)
        crowd = [load.post(f"/raw/claim/{number + 1}", f"s={person}") for person in range(200)]
        walls[1].append(load.all_at_once(ports[1], crowd, clients=50).wall)
    project, least = load.median(walls[0]), load.median(walls[1])
    say(
        "storm", engine, runs=len(shifts), exact=exact, seconds=project, floor=least, ratio=round(project / least, 2)
    )  # fmt: skip


_MAKE_SHIFTS = """
import datetime as dt, json
import sqlalchemy as sa
from app import create_app
from app.core.clock import now
from app.core.db import db, transaction
from app.core.ids import encode_id
from app.needs.models import Need, Position, Shift
from config import Settings

with create_app(Settings.from_environment()).app_context():
    with transaction():
        need = db.session.scalars(sa.select(Need).where(Need.status == "open").order_by(Need.id)).first()
        starts = [now() + dt.timedelta(days=400 + day) for day in range(20)]
        made = [
            Shift(need_id=need.id, starts_at=at, ends_at=at + dt.timedelta(hours=2), time_zone="UTC", contact="none",
                  positions=[Position(capacity=50)])
            for at in starts
        ]
        db.session.add_all(made)
    print(json.dumps([encode_id(shift.id) for shift in made]))
"""


def measure_webhooks(engine: str, environment: dict[str, str], ports: tuple[int, int]) -> None:
    """Signed events taken in a second at either door; none is handled meanwhile, as no worker runs."""
    account = python(environment, "-c", _MAKE_ACCOUNT)
    for name, door in (("webhook_intake", Door()), ("webhook_intake_connect", Door("/connect", account))):
        rates: tuple[list[float], list[float]] = ([], [])
        for number in range(TURNS + 1):
            signed = door.signed(f"{door.account}_{number}", EVENTS)
            bodies = [json.dumps(_event(f"evt_{door.account}_{number}_{one}", None)) for one in range(EVENTS)]
            plain = [load.post("/raw/donation", body, "application/json",
                               **{"X-Signature": _sign(floor.KEY.decode(), body)}) for body in bodies]  # fmt: skip
            for port, requests, rate in zip(ports, (signed, plain), rates, strict=True):
                outcome = load.all_at_once(port, requests, clients=16)
                if set(outcome.statuses) - {200, 201}:
                    raise RuntimeError(f"webhooks: {outcome.statuses}")
                if number:  # the first turn warms
                    rate.append(outcome.per_second)
        turns = sorted(mine / other for mine, other in zip(*rates, strict=True))
        project, least = load.median(rates[0]), load.median(rates[1])
        say(name, engine, per_second=project, floor=least, ratio=round(project / least, 2),
            turns=[round(turns[0], 2), load.median(turns), round(turns[-1], 2)])  # fmt: skip
    measure_pages_during_webhooks(engine, ports[0])


class Door:
    """One of the two addresses that Stripe delivers to, with its secret; `account` is whose events come there."""

    def __init__(self, path: str = "", account: str | None = None) -> None:
        self._path, self._secret, self.account = path, CONNECT_SECRET if path else WEBHOOK_SECRET, account

    def signed(self, name: str, count: int) -> list[load.Request]:
        """So many events, each new, signed now."""
        at = int(time.time())
        bodies = [json.dumps(_event(f"evt_{name}_{one}", self.account)) for one in range(count)]
        return [load.post(f"/stripe/webhook{self._path}", body, "application/json",
                          **{"Stripe-Signature": f"t={at},v1={_sign(self._secret, f'{at}.{body}')}"})
                for body in bodies]  # fmt: skip


_MAKE_ACCOUNT = """
import sqlalchemy as sa
from app import create_app
from app.core.clock import now
from app.core.db import db, transaction
from app.donations.accounts_models import PaymentAccount
from app.organizations.models import Organization
from config import Settings

with create_app(Settings.from_environment()).app_context():
    with transaction():
        organization = db.session.scalars(sa.select(Organization).order_by(Organization.id)).first()
        db.session.add(PaymentAccount(
            organization_id=organization.id, mode="test", stripe_account_id="acct_bench", country="US", currency="USD",
            charges_enabled=True, payouts_enabled=True, details_submitted=True, checked_at=now(), created_at=now()))
    print("acct_bench")
"""


def measure_pages_during_webhooks(engine: str, port: int) -> None:
    """What readers wait for a page while events come in as fast as they are taken, beside what they wait otherwise."""
    paths = [near(*place) for place in PLACES]
    load.steady(port, paths, clients=READERS, seconds=1, **UNCACHED)
    alone = load.steady(port, paths, clients=READERS, **UNCACHED)
    signed = Door().signed("pages", 3000)
    with ThreadPoolExecutor(1) as pool:
        intake = pool.submit(load.all_at_once, port, signed, clients=16)
        meanwhile = load.steady(port, paths, clients=READERS, **UNCACHED)
        taken = intake.result()
    if set(taken.statuses) - {200} or set(meanwhile.statuses) - {200}:
        raise RuntimeError(f"pages_during_webhooks: {taken.statuses}, {meanwhile.statuses}")
    say(
        "pages_during_webhooks",
        engine,
        events_per_second=taken.per_second,
        pages_per_second=meanwhile.per_second,
        page_ms={"median": meanwhile.percentile(0.5), "p95": meanwhile.percentile(0.95)},
        page_ms_alone={"median": alone.percentile(0.5), "p95": alone.percentile(0.95)},
    )


def _event(key: str, account: str | None) -> dict[str, Any]:
    session = {"id": f"cs_{key}", "object": "checkout.session", "payment_status": "paid"}
    whose = {} if account is None else {"account": account}
    return {"id": key, "object": "event", "type": "checkout.session.completed", "created": int(time.time()),
            "livemode": False, "api_version": "2026-01-01", "data": {"object": session}, **whose}  # fmt: skip


def _sign(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def measure_import(engine: str, environment: dict[str, str], least_url: str) -> None:
    """Rows of a CSV imported in a second, beside raw executemany of the same rows; and the memory it takes."""
    count = 20_000
    with tempfile.TemporaryDirectory(prefix="bench-import-") as folder:
        path = Path(folder) / "needs.csv"
        rows = [
            (str(number), f"Organization {number % 400}", f"Sort donations {number}", "Help us on the day.",
             PLACES[number % 8][0], PLACES[number % 8][1], "2027-03-06T10:00", "2027-03-06T12:00", 10)
            for number in range(count)
        ]  # fmt: skip
        head = [
            "external_id",
            "organization",
            "title",
            "description",
            "latitude",
            "longitude",
            "starts_at",
            "ends_at",
            "capacity",
        ]
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([head, *rows])
        command = ["import", "needs", str(path), "--create-organizations", "--verified", "--publish"]
        began = time.perf_counter()
        flask(environment, *command, "--rejects", str(Path(folder) / "rejects.csv"))
        seconds = time.perf_counter() - began
    least = floor.insert_rows(rows, least_url.removeprefix("sqlite:///"))
    say("import", engine, rows=count, per_second=round(count / seconds), floor=round(count / least),
        ratio=round(least / seconds, 2))  # fmt: skip


@contextlib.contextmanager
def database(engine: str, name: str, directory: Path, server: str | None) -> Iterator[str]:
    """The URL of an empty database; `directory` is there afterwards."""
    directory.mkdir(parents=True, exist_ok=True)
    if engine == "sqlite":
        yield f"sqlite:///{directory / name}.db"
        return
    import sqlalchemy as sa

    admin = sa.create_engine(f"{server}postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    admin.dispose()
    yield f"{server}{name}"


def run_engine(engine: str, options: argparse.Namespace, directory: Path, server: str | None) -> None:
    """All scenarios on one engine."""

    def wanted(name: str) -> bool:
        return not options.only or name in options.only

    with (
        database(engine, "bench", directory / "small", server) as url,
        database(engine, "least", directory / "least", server) as least,
    ):
        environment, seconds = prepare(directory / "small", url, options.needs)
        say("seed", engine, needs=options.needs, seconds=round(seconds, 1), per_second=round(options.needs / seconds))
        if any(map(wanted, ("pages", "memory", "storm", "webhooks", "fundraiser"))):
            fill_floor(url, least)
            with contextlib.ExitStack() as running:
                ports = (
                    running.enter_context(servers.web_server(directory / "small", url, **PAYMENTS)),
                    running.enter_context(servers.web_server(directory / "least", least, "bench.floor:app")),
                )
                if wanted("pages"):
                    measure_pages(engine, ports)
                if wanted("storm"):
                    measure_storm(engine, environment, ports)
                if wanted("webhooks"):
                    measure_webhooks(engine, environment, ports)
                if wanted("fundraiser"):
                    measure_fundraiser(engine, environment, ports)
                if wanted("memory"):
                    measure_memory(engine, ports)
        if wanted("import"):
            measure_import(engine, environment, least)
        if wanted("growth"):
            measure_growth(engine, options, directory, server, url)


def measure_growth(engine: str, options: argparse.Namespace, directory: Path, server: str | None, url: str) -> None:
    """Each shape's milliseconds at both sizes, and how often the larger fits into the smaller."""
    from bench import shapes

    with database(engine, "grown", directory / "grown", server) as grown_url:
        _environment, seconds = prepare(directory / "grown", grown_url, options.grown)
        say("seed", engine, needs=options.grown, seconds=round(seconds, 1), per_second=round(options.grown / seconds))
        small = shapes.measure(url, directory / "small")
        grown = shapes.measure(grown_url, directory / "grown")
    for name, before in small.items():
        say("growth", engine, shape=name, ms={options.needs: before, options.grown: grown[name]},
            times=round(grown[name] / before, 2))  # fmt: skip


def measure_make_run() -> None:
    """Seconds from `make run` in a clean clone to the first page (packages cached), and again."""
    with tempfile.TemporaryDirectory(prefix="bench-run-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(servers.ROOT), str(clone)], check=True)
        for name in ("first_page", "second_start"):
            port = databases.free_port()
            kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
            environment = {**kept, "PORT": str(port)}
            began = time.perf_counter()
            started = subprocess.Popen(
                ["make", "run"], cwd=clone, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            while started.poll() is None and not _answers(port):
                time.sleep(0.1)
            say(name, "sqlite", seconds=round(time.perf_counter() - began, 1), answered=started.poll() is None)
            started.terminate()
            started.wait(15)


def _answers(port: int) -> bool:
    try:
        return fetch(port, "/needs").startswith(b"<!doctype html>")
    except OSError:
        return False


def main() -> None:
    """Measure what is asked for, everything by default."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=SCENARIOS)
    parser.add_argument("--engine", action="append", choices=("sqlite", "postgresql"))
    parser.add_argument("--needs", type=int, default=10_000)
    parser.add_argument("--grown", type=int, default=100_000, help="the larger size of growth; 1000000 takes an hour")
    options = parser.parse_args()
    engines = options.engine or ["sqlite", *(["postgresql"] if databases.find_postgresql() else [])]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for engine in engines:
            with contextlib.ExitStack() as cluster:
                server = cluster.enter_context(databases.postgresql_cluster()) if engine == "postgresql" else None
                run_engine(engine, options, Path(folder) / engine, server)
    if not options.only or "run" in options.only:
        measure_make_run()


if __name__ == "__main__":
    main()
