"""`python -m deploy.demo_payments`: see the package's docstring. Every option also has an environment variable."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from deploy.demo_payments.server import Config, DemoPayments


def main() -> int:
    """Serve until TERM or INT; 1 when it must not start."""
    env = os.environ
    parser = argparse.ArgumentParser(
        prog="python -m deploy.demo_payments", description="Demo payment server (no money moves)"
    )
    parser.add_argument("--port", type=int, default=int(env.get("DEMO_PAYMENTS_PORT", "0")), help="0: any free port")
    parser.add_argument("--data-dir", type=Path, default=Path(env.get("DATA_DIR", "instance")))
    parser.add_argument("--key", default=env.get("STRIPE_SECRET_KEY", ""), help="the only key it answers (sk_test_...)")
    parser.add_argument("--webhook-secret", default=env.get("STRIPE_WEBHOOK_SECRET", ""))
    parser.add_argument("--webhook-url", default=env.get("DEMO_PAYMENTS_WEBHOOK_URL", ""), help="empty: send nothing")
    parser.add_argument(
        "--connect-webhook-secret",
        default=env.get("STRIPE_CONNECT_WEBHOOK_SECRET", ""),
        help="signs the events of connected accounts",
    )
    parser.add_argument(
        "--connect-webhook-url",
        default=env.get("DEMO_PAYMENTS_CONNECT_WEBHOOK_URL", ""),
        help="where events of connected accounts go",
    )
    given = parser.parse_args()
    config = Config(
        port=given.port,
        data_dir=given.data_dir,
        key=given.key,
        webhook_secret=given.webhook_secret,
        webhook_url=given.webhook_url,
        connect_webhook_secret=given.connect_webhook_secret,
        connect_webhook_url=given.connect_webhook_url,
    )
    problems = config.problems()
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    try:
        server = DemoPayments(config)
    except (OSError, SystemExit):  # werkzeug has said why the port cannot be had, and exits
        return 1
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    server.start_thread()
    print(f"demo payments on {server.base_url}", flush=True)
    stopping.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
