"""Processes of the application, forked from one that has loaded it already: to start Python and load the application anew takes
near three seconds of a processor, and the tests of races and kills start hundreds.

A nursery is one such process for each database; it opens no connection. `start` asks it for a process that runs a module as
`python -m MODULE SETTINGS.json ARGUMENTS` does, with pipes of its own and a pid of its own that can be killed; the module asks
`application` for the application that is loaded.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from flask import Flask

from app import create_app
from app.core.db import db
from config import Settings

ROOT = Path(__file__).parent.parent
LONGEST_MESSAGE = 1 << 16
_nurseries: dict[str, tuple[socket.socket, subprocess.Popen[bytes]]] = {}
_loaded: list[Flask] = []  # in a nursery and its children: the application


class Forked:
    """A process that a nursery forked: as much of `subprocess.Popen` with pipes of text as tests need."""

    def __init__(self, nursery: socket.socket, module: str, arguments: Sequence[str]) -> None:
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        ours_status, theirs_status = os.pipe()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # `communicate` reads and closes it
        theirs = [theirs_in, theirs_out, self._errors.fileno(), theirs_status]
        socket.send_fds(nursery, [json.dumps([module, *arguments]).encode()], theirs)
        for number in (theirs_in, theirs_out, theirs_status):
            os.close(number)
        self.stdin: IO[str] = os.fdopen(ours_in, "w")
        self.stdout: IO[str] = os.fdopen(ours_out)
        self._status, self._said = ours_status, b""
        self.pid = self._next_number(None)
        self.returncode: int | None = None

    def _next_number(self, timeout: float | None) -> int:
        """What the process between says next: the pid, and then how it ended."""
        while b"\n" not in self._said:
            if not select.select([self._status], [], [], timeout)[0]:
                raise TimeoutError
            said = os.read(self._status, 64)
            if not said:
                raise RuntimeError("the nursery ended")
            self._said += said
        number, _line, self._said = self._said.partition(b"\n")
        return int(number)

    def wait(self, timeout: float) -> int:
        """How it ended: a status, or the negative number of the signal. TimeoutError when it has not after `timeout` seconds."""
        if self.returncode is None:
            self.returncode = self._next_number(timeout)
            os.close(self._status)
        return self.returncode

    def communicate(self, timeout: float) -> tuple[str, str]:
        """What it wrote and what it complained about, once it has ended. After `timeout` seconds it is killed: TimeoutError."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self.kill()

        watch = threading.Timer(timeout, end)
        watch.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                self.stdin.close()
            written = self.stdout.read()
            self.wait(timeout)
        finally:
            watch.cancel()
            watch.join()
        self._errors.seek(0)
        complained = self._errors.read().decode()
        self.close()
        if late.is_set():
            raise TimeoutError(complained)
        return written, complained

    def close(self) -> None:
        """Give its pipes back."""
        for each in (self.stdin, self.stdout, self._errors):
            with contextlib.suppress(BrokenPipeError):
                each.close()

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal, unless it is known to have ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def start(app: Flask, directory: Path, module: str, arguments: Sequence[str]) -> Forked:
    """A process with the settings that `app` has now, on its database, that runs `module` with the file of the settings (in
    `directory`) and `arguments`."""
    db.session.rollback()
    path = directory / "settings.json"
    # In one step: whoever was started before may be reading it now.
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(dataclasses.asdict(app.config["SETTINGS"]), default=str))
    fresh.replace(path)
    return Forked(_nursery(app.config["SETTINGS"].database_url, path), module, [str(path), *arguments])


def _nursery(database_url: str, path: Path) -> socket.socket:
    found = _nurseries.get(database_url)
    if found is None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "tests.forks", str(theirs.fileno()), str(path)],
                cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True,
            )  # fmt: skip
        found = _nurseries[database_url] = (ours, process)
    return found[0]


@atexit.register
def _end_nurseries() -> None:
    for ours, process in _nurseries.values():
        ours.close()
        process.wait(10)


# --- in the nursery and in what it forks -------------------------------------------------------------------------------


def _settings(path: str) -> Settings:
    values = json.loads(Path(path).read_text())
    values |= {"data_dir": Path(values["data_dir"]), "supported_locales": tuple(values["supported_locales"])}
    return Settings(**values)


def application(path: str) -> Flask:
    """The application with the settings of the file, which are of the database it was loaded for."""
    [app] = _loaded
    app.config["SETTINGS"] = _settings(path)
    return app


def serve(control: int, path: str) -> None:
    """Be a nursery until nobody holds the other end of the socket any more."""
    _loaded.append(create_app(_settings(path)))
    with _loaded[0].app_context():
        db.engine.dispose()
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=control) as asked:
        while True:
            message, descriptors, _flags, _address = socket.recv_fds(asked, LONGEST_MESSAGE, 4)
            if not message:
                return
            if os.fork() == 0:
                asked.close()
                _keep_one(json.loads(message), descriptors)
            for number in descriptors:
                os.close(number)


def _keep_one(command: list[str], descriptors: list[int]) -> None:
    """In a process between: fork what was asked for, say its pid, and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, status = descriptors
    child = os.fork()
    if child == 0:
        os.close(status)
        _run(command, streams)
    os.write(status, f"{child}\n".encode())
    for number in streams:
        os.close(number)
    _child, how = os.waitpid(child, 0)
    os.write(status, f"{os.waitstatus_to_exitcode(how)}\n".encode())
    os._exit(0)


def _run(command: list[str], streams: list[int]) -> None:
    """Be the process: what Python does with `-m`, to the end."""
    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        module, *arguments = command
        sys.argv = [module, *arguments]
        with _loaded[0].app_context():
            db.engine.dispose(close=False)
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    # As the module that others import, and not as a second one beside it: it keeps the application.
    from tests import forks

    forks.serve(int(sys.argv[1]), sys.argv[2])
