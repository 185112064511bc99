"""How gunicorn serves the application (`gunicorn --config python:deploy.web_server wsgi:app`): loaded once by the master,
whose memory the workers then share. What is bound to, and with how many workers and threads, the command line says."""

from __future__ import annotations

import gc
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]  # it says nothing of its types

# Who looks for a service, or leaves at once, is written down by nobody, also where access lines are asked for (L2). The style
# sheet is that page's alone and the script that of the pages with a way out: a line of either tells as much.
UNSEEN = ("/report", "/report.json", "/static/css/report.css", "/static/js/leave.js")


class QuietLogger(Logger):
    """gunicorn's log without lines about the pages of UNSEEN, and of every other request with its route's pattern: a path may
    hold a link's token, a query what somebody looked for, and a Referer either."""

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> None:
        """One line a request, where `--access-logfile` asks for them."""
        if environ.get("PATH_INFO", "").rstrip("/") not in UNSEEN:
            super().access(resp, req, environ, request_time)

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> dict[str, Any]:
        """What a line can be made of: of headers and of the environment, `%({name}i)s` and its like, nothing."""
        every = super().atoms(resp, req, environ, request_time)
        route = environ.get(
            "manyhands.route", "-"
        )  # app.core.web.ROUTE; this file is read before there is an application
        line = f"{environ.get('REQUEST_METHOD')} {route} {environ.get('SERVER_PROTOCOL')}"
        kept = {name: value for name, value in every.items() if not name.startswith("{")}
        return {**kept, "r": line, "U": route, "q": "", "f": "-"}


worker_class = "gthread"
preload_app = True
control_socket_disable = True
logger_class = QuietLogger


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
