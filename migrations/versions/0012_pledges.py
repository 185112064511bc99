"""By when and how a promise comes; what came at one time, so that it can be undone.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "delivery",
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pledge_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("freed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("was", sa.String(length=16), server_default="", nullable=False),
        sa.Column("note", sa.String(length=300), server_default="", nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.CheckConstraint("pledge_id IS NOT NULL OR (rejected = 0 AND freed = 0)", name=op.f("ck_delivery_unpledged")),
        sa.CheckConstraint("received >= 0 AND rejected >= 0 AND freed >= 0", name=op.f("ck_delivery_never_negative")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_delivery_by_id_person")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_delivery_item_id_item")),
        sa.ForeignKeyConstraint(["pledge_id"], ["pledge.id"], name=op.f("fk_delivery_pledge_id_pledge")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_item_id"), ["item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_pledge_id"), ["pledge_id"], unique=False)

    with op.batch_alter_table("pledge", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deliver_by", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("way", sa.String(length=16), server_default="drop_off", nullable=False))
        batch_op.add_column(sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            "ix_pledge_deliver_by",
            ["deliver_by"],
            unique=False,
            sqlite_where=sa.text("status IN ('reserved', 'in_transit')"),
            postgresql_where=sa.text("status IN ('reserved', 'in_transit')"),
        )
        batch_op.create_check_constraint(op.f("ck_pledge_way"), "way IN ('drop_off', 'send')")



def downgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_pledge_id"))
        batch_op.drop_index(batch_op.f("ix_delivery_item_id"))

    op.drop_table("delivery")
    with op.batch_alter_table("pledge", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_pledge_deliver_by",
            sqlite_where=sa.text("status IN ('reserved', 'in_transit')"),
            postgresql_where=sa.text("status IN ('reserved', 'in_transit')"),
        )
        batch_op.drop_constraint(op.f("ck_pledge_way"), type_="check")
        batch_op.drop_column("cancelled_at")
        batch_op.drop_column("way")
        batch_op.drop_column("deliver_by")
