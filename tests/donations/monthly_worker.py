"""One process of several that hear of the same paid month at the same time. Run by test_monthly.

python -m tests.donations.monthly_worker SETTINGS.json (guarded|unguarded) ACCOUNT INVOICE_ID
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from app import create_app
from app.donations import monthly
from app.donations.operations import monthly as operations
from config import Settings


def main() -> None:
    """Say "ready", wait for a line, then follow the invoice."""
    values = json.loads(Path(sys.argv[1]).read_text())
    values |= {"data_dir": Path(values["data_dir"]), "supported_locales": tuple(values["supported_locales"])}
    app = create_app(Settings(**values))
    if sys.argv[2] == "unguarded":
        # Nobody looks whether the month is there already, and there is time before it is written.
        operations.find_by_invoice = lambda _invoice_id: time.sleep(0.2)  # type: ignore[assignment,func-returns-value]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with app.app_context():
        monthly._follow(sys.argv[4], sys.argv[3] or None)


if __name__ == "__main__":
    main()
