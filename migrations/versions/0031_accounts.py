"""Organizations have payment accounts of their own, and a gift names the one it is paid through.

Revision: 0031, after 0030.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.create_table(
        "payment_account",
        sa.Column("organization_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("stripe_account_id", sa.String(length=255), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="1", nullable=False),
        sa.Column("links", sa.Integer(), server_default="0", nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("charges_enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("payouts_enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("details_submitted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("requirements", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("disabled_reason", sa.String(length=100), server_default="", nullable=False),
        sa.Column("deauthorized_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.CheckConstraint("mode IN ('demo', 'test', 'live')", name=op.f("ck_payment_account_mode")),
        sa.CheckConstraint(
            "charges_enabled IS NOT TRUE OR stripe_account_id IS NOT NULL",
            name=op.f("ck_payment_account_charges_need_account"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_payment_account_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_account")),
        sa.UniqueConstraint(
            "organization_id", "mode", name=op.f("uq_payment_account_organization_id_mode")
        ),
        sa.UniqueConstraint("stripe_account_id", name=op.f("uq_payment_account_stripe_account_id")),
    )
    with op.batch_alter_table("donation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account", sa.String(length=255), nullable=True))
        batch_op.create_index("ix_donation_account_mode_created_at", ["account", "mode", "created_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("donation", schema=None) as batch_op:
        batch_op.drop_index("ix_donation_account_mode_created_at")
        batch_op.drop_column("account")

    op.drop_table("payment_account")
