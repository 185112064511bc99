"""python -m tests.storm [--deliveries 100000] [--kills 500]: one JSON line an engine; exit status 1 when not all is well."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path

from app import create_app
from tests import databases
from tests.conftest import close, create_database, make_settings, migrate
from tests.donations.stripe_server import running_server
from tests.storm.storm import Outcome, Storm, settings_of


def run(engine: str, directory: Path, options: argparse.Namespace) -> Outcome:
    """One storm on one engine, in a database of its own."""
    directory.mkdir()
    with contextlib.ExitStack() as running:
        url = f"sqlite:///{directory / 'storm.db'}"
        if engine == "postgresql":
            url = create_database(running.enter_context(databases.postgresql_cluster()), "storm")
        server = running.enter_context(running_server(directory))
        server.reset()
        app = create_app(make_settings(directory, url, **settings_of(server)))
        running.callback(close, app)
        migrate(app)
        with app.app_context():
            storm = Storm(
                app,
                directory,
                server,
                deliveries=options.deliveries,
                kills=options.kills,
                gifts=options.gifts or options.deliveries // 40,
                seed=options.seed,
                tell=_tell,
            )
            return storm.run()


def _tell(text: str) -> None:
    """How far it is, to standard error: a large storm takes its time."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def main() -> int:
    """Let the storm pass on each engine."""
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=100_000, help="webhooks, 35 %% of them duplicates")
    parser.add_argument("--kills", type=int, default=500, help="kill -9 of web and worker")
    parser.add_argument(
        "--gifts", type=int, default=0, help="gifts the events are about; by itself one for forty deliveries"
    )
    parser.add_argument("--engine", action="append", choices=("sqlite", "postgresql"))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    engines = options.engine or ["sqlite", *(["postgresql"] if databases.find_postgresql() else [])]
    well = True
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        databases.GAZETTEER = Path(folder) / "gazetteer"
        for engine in engines:
            outcome = run(engine, Path(folder) / engine, options)
            well = well and not outcome.problems
            shown = dataclasses.asdict(outcome) | {"problems": outcome.problems[:20]}
            sys.stdout.write(json.dumps({"engine": engine, "ok": not outcome.problems, **shown}) + "\n")
            sys.stdout.flush()
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
