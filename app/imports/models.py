"""Tables of imports by page: one file that somebody gave, and its rows with what became of each.

What was uploaded is kept for thirty days, so that the import can be taken back; then counts and outcomes stay.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.db import Base, HasId
from app.organizations.models import Organization

# uploaded: the columns are not said yet. checking, importing and undoing are under way; ready waits for somebody's yes.
STATUSES = ("uploaded", "checking", "ready", "importing", "done", "undoing", "undone")
STAGES = ("waiting", "checked", "taken", "undone")
OUTCOMES = ("", "created", "updated", "unchanged", "rejected")
UNDONE = ("", "removed", "closed", "restored", "kept")


class ImportBatch(HasId, Base):
    """One file of needs for one organization. `columns` says which of its columns is which of ours; `constants` what
    holds for every row where the file says nothing."""

    __tablename__ = "import_batch"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {STATUSES}", name="status"),
        sa.Index("ix_import_batch_organization_id_made_at", "organization_id", "made_at"),
    )

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"))
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    encoding: Mapped[str] = mapped_column(sa.String(16))
    status: Mapped[str] = mapped_column(sa.String(16), default="uploaded", server_default="uploaded")
    header: Mapped[list[str]] = mapped_column(sa.JSON)
    header_key: Mapped[str] = mapped_column(sa.String(40))
    columns: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    constants: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    publish: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    rows: Mapped[int]
    # Counts each step of what is under way, so that a step is promised once and an old promise does nothing.
    step: Mapped[int] = mapped_column(default=0, server_default="0")
    made_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    undone_at: Mapped[dt.datetime | None]
    purged_at: Mapped[dt.datetime | None]

    organization: Mapped[Organization] = relationship()
    by: Mapped[Person] = relationship()


class ImportRow(HasId, Base):
    """One row of the file: `cells` by its columns, `mended` by ours; what became of it, or would become of it."""

    __tablename__ = "import_row"
    __table_args__ = (
        sa.CheckConstraint(f"stage IN {STAGES}", name="stage"),
        sa.CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        sa.CheckConstraint(f"undone IN {UNDONE}", name="undone"),
        sa.UniqueConstraint("batch_id", "line"),
        sa.Index("ix_import_row_batch_id_stage", "batch_id", "stage"),
    )

    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("import_batch.id", ondelete="CASCADE"))
    line: Mapped[int]
    cells: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    mended: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    fault: Mapped[str] = mapped_column(sa.String(200), default="", server_default="")
    stage: Mapped[str] = mapped_column(sa.String(16), default="waiting", server_default="waiting")
    outcome: Mapped[str] = mapped_column(sa.String(16), default="", server_default="")
    # Of a reject: in which of our columns ("": its shape), and why.
    column: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    reason: Mapped[str] = mapped_column(default="", server_default="")
    # The state of the need that was made, and why it is no further.
    became: Mapped[str] = mapped_column(sa.String(16), default="", server_default="")
    note: Mapped[str] = mapped_column(default="", server_default="")
    key: Mapped[str] = mapped_column(sa.String(80), default="", server_default="")
    need_id: Mapped[int | None] = mapped_column(sa.ForeignKey("need.id", ondelete="SET NULL"), index=True)
    before: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    # The fingerprint of the need right after its row was taken.
    after: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    undone: Mapped[str] = mapped_column(sa.String(16), default="", server_default="")

    batch: Mapped[ImportBatch] = relationship()
