"""How gunicorn serves the application (`gunicorn --config python:deploy.web_server wsgi:app`): loaded once by the master,
whose memory the workers then share. What is bound to, and with how many workers and threads, the command line says."""

from __future__ import annotations

import gc
from typing import Any

worker_class = "gthread"
preload_app = True
control_socket_disable = True


def when_ready(_server: Any) -> None:
    """Leave what is loaded out of later collections: they would touch, and so copy, every shared page."""
    gc.collect()
    gc.freeze()


def post_fork(server: Any, _worker: Any) -> None:
    """No worker uses a connection that another process holds."""
    app = server.app.wsgi()
    database = app.extensions.get("sqlalchemy")
    if database is not None:  # the floor that `make bench` measures against has none
        with app.app_context():
            database.engine.dispose(close=False)
