"""Places held for guests until they follow the link in their mail.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "guest_hold",
        sa.Column("shift_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("signup_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("locale", sa.String(length=16), nullable=True),
        sa.Column("party_size", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.CheckConstraint("status = 'held' OR (email = '' AND birth_date IS NULL)", name=op.f("ck_guest_hold_erased")),
        sa.CheckConstraint("status IN ('held', 'confirmed', 'expired', 'replaced')", name=op.f("ck_guest_hold_status")),
        sa.CheckConstraint("party_size >= 1", name=op.f("ck_guest_hold_party_size")),
        sa.ForeignKeyConstraint(["position_id"], ["position.id"], name=op.f("fk_guest_hold_position_id_position")),
        sa.ForeignKeyConstraint(["shift_id"], ["shift.id"], name=op.f("fk_guest_hold_shift_id_shift")),
        sa.ForeignKeyConstraint(["signup_id"], ["signup.id"], name=op.f("fk_guest_hold_signup_id_signup")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_hold")),
    )
    with op.batch_alter_table("guest_hold", schema=None) as batch_op:
        batch_op.create_index(
            "ix_guest_hold_expires_at",
            ["expires_at"],
            unique=False,
            sqlite_where=sa.text("status = 'held'"),
            postgresql_where=sa.text("status = 'held'"),
        )
        batch_op.create_index(batch_op.f("ix_guest_hold_position_id"), ["position_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_guest_hold_signup_id"), ["signup_id"], unique=False)
        batch_op.create_index(
            "uq_guest_hold_live",
            ["shift_id", "email"],
            unique=True,
            sqlite_where=sa.text("status = 'held'"),
            postgresql_where=sa.text("status = 'held'"),
        )



def downgrade() -> None:
    with op.batch_alter_table("guest_hold", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_guest_hold_live", sqlite_where=sa.text("status = 'held'"), postgresql_where=sa.text("status = 'held'")
        )
        batch_op.drop_index(batch_op.f("ix_guest_hold_signup_id"))
        batch_op.drop_index(batch_op.f("ix_guest_hold_position_id"))
        batch_op.drop_index(
            "ix_guest_hold_expires_at",
            sqlite_where=sa.text("status = 'held'"),
            postgresql_where=sa.text("status = 'held'"),
        )

    op.drop_table("guest_hold")
