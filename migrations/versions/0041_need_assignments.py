"""Coordinators of some of the needs: which, and on memberships and invitations whether it is all of them.

Revision: 0041, after 0040.
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "need_assignment",
        sa.Column("need_id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["need_id"], ["need.id"], name=op.f("fk_need_assignment_need_id_need")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_need_assignment_person_id_person")),
        sa.PrimaryKeyConstraint("need_id", "person_id", name=op.f("pk_need_assignment")),
    )
    op.create_index(op.f("ix_need_assignment_person_id"), "need_assignment", ["person_id"])
    for table in ("membership", "invitation"):
        with op.batch_alter_table(table) as batch:
            # Whoever coordinates today keeps every need.
            batch.add_column(sa.Column("all_needs", sa.Boolean(), server_default=sa.true(), nullable=False))
            batch.create_check_constraint(op.f(f"ck_{table}_all_needs"), "all_needs OR role = 'coordinator'")


def downgrade() -> None:
    # Nobody gets more by going back: every role there was before reads all needs, so that whoever read some of them belongs to
    # the staff no more, and is invited anew.
    op.execute("DELETE FROM membership WHERE NOT all_needs")
    op.execute("UPDATE invitation SET status = 'withdrawn' WHERE NOT all_needs AND status = 'waiting'")
    op.execute("UPDATE invitation SET all_needs = true WHERE NOT all_needs")
    for table in ("invitation", "membership"):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_all_needs"), type_="check")
            batch.drop_column("all_needs")
    op.drop_index(op.f("ix_need_assignment_person_id"), "need_assignment")
    op.drop_table("need_assignment")
