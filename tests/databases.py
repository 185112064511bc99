"""Real databases for tests: a private PostgreSQL cluster and a migrated SQLite file, each copied or emptied per test."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.core import gazetteer

# Where the tests' gazetteer is built, set by the fixture of the same name.
GAZETTEER: Path | None = None
ENABLE_POSTGRESQL = "apt-get install postgresql"


def find_postgresql() -> Path | None:
    """The newest directory of PostgreSQL's server binaries on this machine, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def lend_gazetteer(directory: Path) -> None:
    """Put the gazetteer into a data directory. It is built once for all tests: three seconds that nobody waits for again."""
    if GAZETTEER is None:
        return
    built = gazetteer.ensure_built(GAZETTEER)
    if not (directory / built.name).exists():
        directory.mkdir(parents=True, exist_ok=True)
        os.link(built, directory / built.name)


def free_port() -> int:
    """A TCP port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _as_postgres(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]


@contextlib.contextmanager
def postgresql_cluster() -> Iterator[str]:
    """A private cluster on loopback; gives the URL up to the database's name. Ends with the test run."""
    binaries = find_postgresql()
    if binaries is None:
        raise RuntimeError(f"PostgreSQL is not installed: {ENABLE_POSTGRESQL}")
    directory = Path(tempfile.mkdtemp(prefix="manyhands-pg-"))
    if os.getuid() == 0:
        shutil.chown(directory, "postgres", "postgres")
    data, port = directory / "data", free_port()
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": "/"}
    initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(_as_postgres(initdb), check=True, **quiet)
    server = subprocess.Popen(
        _as_postgres(
            [
                str(binaries / "postgres"), "-D", str(data), "-p", str(port), "-k", str(directory),
                "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "full_page_writes=off",
                "-c", "max_connections=200", "-c", "shared_buffers=64MB",
            ]
        ),
        **quiet,
    )  # fmt: skip
    try:
        ready = [str(binaries / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-t", "30"]
        for _attempt in range(600):
            if subprocess.run(ready, check=False, **quiet).returncode == 0:
                break
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/"
    finally:
        server.send_signal(signal.SIGINT)  # the fast shutdown: TERM would wait for every client
        server.wait(30)
        shutil.rmtree(directory, ignore_errors=True)
