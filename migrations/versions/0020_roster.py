"""roster

Revision: 0020, after 0019.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    with op.batch_alter_table("signup", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("cancelled_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("was", sa.String(length=16), server_default="", nullable=False))
        batch_op.create_foreign_key(
            batch_op.f("fk_signup_cancelled_by_id_person"), "person", ["cancelled_by_id"], ["id"]
        )
    with op.batch_alter_table("pledge", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("cancelled_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_pledge_cancelled_by_id_person"), "person", ["cancelled_by_id"], ["id"]
        )
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mail_failed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.drop_column("mail_failed_at")
    with op.batch_alter_table("pledge", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_pledge_cancelled_by_id_person"), type_="foreignkey")
        batch_op.drop_column("cancelled_by_id")
    with op.batch_alter_table("signup", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_signup_cancelled_by_id_person"), type_="foreignkey")
        batch_op.drop_column("was")
        batch_op.drop_column("cancelled_by_id")
