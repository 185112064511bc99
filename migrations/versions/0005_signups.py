"""Who came to a shift, and for how long

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("signup", schema=None) as batch_op:
        batch_op.add_column(sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("minutes", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("hours_approved_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_signup_hours_approved_by_id_person"), "person", ["hours_approved_by_id"], ["id"]
        )
        batch_op.create_check_constraint(op.f("ck_signup_minutes"), "minutes IS NULL OR minutes BETWEEN 1 AND 30000")
        batch_op.create_check_constraint(
            op.f("ck_signup_hours_by_another"), "hours_approved_by_id IS NULL OR hours_approved_by_id != person_id"
        )



def downgrade() -> None:
    with op.batch_alter_table("signup", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_signup_hours_by_another"), type_="check")
        batch_op.drop_constraint(op.f("ck_signup_minutes"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_signup_hours_approved_by_id_person"), type_="foreignkey")
        batch_op.drop_column("hours_approved_by_id")
        batch_op.drop_column("minutes")
        batch_op.drop_column("checked_in_at")

