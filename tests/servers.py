"""The application as it runs: gunicorn with two workers of four threads on loopback, on a database of its own."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.databases import free_port, lend_gazetteer

ROOT = Path(__file__).parent.parent
SECRET = "tests-" + "k" * 40
PATIENCE = 60


def environment(directory: Path, database_url: str, **more: str) -> dict[str, str]:
    """What a process of the application is started with; nothing of the caller's own settings."""
    lend_gazetteer(directory)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": SECRET,
        "DATABASE_URL": database_url,
        "DATA_DIR": str(directory),
        "BASE_URL": "http://localhost",
        "MAIL_URL": "smtp://127.0.0.1:9",
        "RATE_LIMITS": "off",
        **more,
    }


def end_with_family(root: psutil.Popen, seconds: float) -> None:
    """Ask `root` to end; whoever of it and of all it started is there after `seconds` is killed.

    Between looking and killing each of them may end by itself, so a process that is not there any more is no error.
    """
    family: list[psutil.Process] = [root]
    with contextlib.suppress(psutil.NoSuchProcess):
        family += root.children(recursive=True)
        root.terminate()
    _gone, alive = psutil.wait_procs(family, seconds)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, seconds)


@contextlib.contextmanager
def web_server(directory: Path, database_url: str, wsgi: str = "wsgi:app", **more: str) -> Iterator[int]:
    """The port of a running server with `more` in its environment; its whole process group ends with the block."""
    port = free_port()
    log = (directory / "gunicorn.log").open("w")
    server = subprocess.Popen(
        [
            sys.executable, "-m", "gunicorn", "--config", "python:deploy.web_server", wsgi, "--backlog", "512",
            "--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "4",
        ],
        cwd=ROOT, env=environment(directory, database_url, **more), stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    try:
        _wait_until_ready(port, server)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        log.close()


def _wait_until_ready(port: int, server: subprocess.Popen[bytes]) -> None:
    """Until /readyz answers 200; raises RuntimeError when the server ends or never does."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/readyz")
            with connection.getresponse() as response:
                if response.status == 200:
                    return
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.05)
    raise RuntimeError("the server did not get ready")
