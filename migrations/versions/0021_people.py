"""When people have time, which clock is theirs, and what organizations stand for.

Revision: 0021, after 0020.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TIMES = tuple(f"{day}_{part}" for day in WEEKDAYS for part in ("morning", "afternoon", "evening"))


def upgrade() -> None:
    op.create_table(
        "person_time",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("slot", sa.String(length=24), nullable=False),
        sa.CheckConstraint(f"slot IN {TIMES}", name=op.f("ck_person_time_slot")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_person_time_person_id_person"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "slot", name=op.f("pk_person_time")),
    )
    op.add_column("person", sa.Column("time_zone_chosen", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("organization", sa.Column("causes", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    # Not as copies of the tables: everything points at them.
    op.drop_column("organization", "causes")
    op.drop_column("person", "time_zone_chosen")
    op.drop_table("person_time")
