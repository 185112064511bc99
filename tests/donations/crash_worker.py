"""A process that kills itself (SIGKILL) before or after one function, while it works. Run by test_crash.

python -m tests.donations.crash_worker SETTINGS.json (before|after) app.module:function (work-off|open-checkout ID)
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from app.core import jobs
from app.donations import checkout
from tests import forks


def die_at(when: str, target: str) -> None:
    """Put a kill before or after the function `target` ("module:function")."""
    module_name, _, name = target.partition(":")
    module = importlib.import_module(module_name)
    real: Callable[..., Any] = getattr(module, name)

    @functools.wraps(real)
    def deadly(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(module, name, deadly)


def main() -> None:
    """Work until the kill."""
    app = forks.application(sys.argv[1])
    when, target, work = sys.argv[2:5]
    die_at(when, target)
    with app.app_context():
        if work == "open-checkout":
            checkout.open_checkout(int(sys.argv[5]))
        else:
            jobs.work_off(app.extensions["outbox_handlers"], app.extensions["sweeps"])


if __name__ == "__main__":
    main()
