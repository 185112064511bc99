"""What people who come need to know about a need.

Revision: 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "day_facts",
        sa.Column("need_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("meeting_point", sa.String(length=300), server_default="", nullable=False),
        sa.Column("contact", sa.String(length=200), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_day_facts_need_id_need"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("need_id", name=op.f("pk_day_facts")),
    )
    with op.batch_alter_table("need", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bring", sa.String(length=500), server_default="", nullable=False))
        batch_op.add_column(sa.Column("suits", sa.String(length=300), server_default="", nullable=False))
        batch_op.add_column(sa.Column("parking", sa.String(length=300), server_default="", nullable=False))
        batch_op.add_column(sa.Column("step_free", sa.Boolean(), nullable=True))



def downgrade() -> None:
    # Not as a copy of the table: everything points at it.
    for column in ("step_free", "parking", "suits", "bring"):
        op.drop_column("need", column)
    op.drop_table("day_facts")
