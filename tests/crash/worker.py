"""A process of the application that works, or that kills itself in the midst of something. Run by test_worker.

python -m tests.crash.worker SETTINGS.json LOG (work|claim|sign-up SHIFT_ID PERSON_ID)
"""

from __future__ import annotations

import os
import signal
import sys

from app.accounts.models import Person
from app.core import jobs, outbox
from app.core.db import db, transaction
from app.signups.operations import sign_up
from tests import forks


def main() -> None:
    """Write to LOG from here on, and do what was said."""
    app = forks.application(sys.argv[1])
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    with app.app_context():
        if sys.argv[3] == "work":
            jobs.work(app.extensions["outbox_handlers"], app.extensions["sweeps"])
        elif sys.argv[3] == "claim":
            assert outbox.claim() is not None
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            shift_id, person_id = map(int, sys.argv[4:])
            with transaction():
                sign_up(shift_id, by=db.session.get_one(Person, person_id))
                db.session.flush()
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
