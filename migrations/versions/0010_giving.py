"""Tries to pay one gift, what went wrong with the last, and what a fundraiser that reached its goal or ended says.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("donation", sa.Column("attempt", sa.Integer(), server_default="1", nullable=False))
    op.add_column("donation", sa.Column("attempt_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("donation", sa.Column("problem", sa.String(length=60), server_default="", nullable=False))
    op.add_column("donation", sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("donation", sa.Column("form", sa.String(length=64), nullable=True))
    op.create_index(op.f("ix_donation_form"), "donation", ["form"], unique=False)
    op.add_column("fundraiser", sa.Column("outcome", sa.Text(), server_default="", nullable=False))
    op.add_column("fundraiser", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("fundraiser", sa.Column("goal_reached_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    # One by one: SQLite's copy of a whole table would drop what the ledger points at.
    for name in ("goal_reached_at", "ended_at", "outcome"):
        op.drop_column("fundraiser", name)
    op.drop_index(op.f("ix_donation_form"), "donation")
    for name in ("form", "cancelled_at", "problem", "attempt_at", "attempt"):
        op.drop_column("donation", name)
