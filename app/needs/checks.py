"""What `flask verify` recomputes about needs."""

from __future__ import annotations

from app.needs import index

CHECKS = {"need_index": index.compare}
