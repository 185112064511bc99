"""What is given every month: the commitment, and the donations that are months of it.

Revision: 0034, after 0033.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "monthly_gift",
        sa.Column("fundraiser_id", KEY, nullable=False),
        sa.Column("organization_id", KEY, nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=True),
        sa.Column("amount_minor", KEY, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("ended_by", sa.String(length=16), server_default="", nullable=False),
        sa.Column("stripe_subscription_id", sa.String(length=255), nullable=True),
        sa.Column("stripe_customer_id", sa.String(length=255), nullable=True),
        sa.Column("wanted_minor", KEY, nullable=True),
        sa.Column("amount_before_minor", KEY, nullable=True),
        sa.Column("amount_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stop_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_end_on", sa.Date(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.CheckConstraint("mode IN ('demo', 'test', 'live')", name=op.f("ck_monthly_gift_mode")),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'past_due', 'paused', 'ended')", name=op.f("ck_monthly_gift_status")
        ),
        sa.CheckConstraint(
            "ended_by IN ('', 'donor', 'fundraiser', 'payment', 'organization')",
            name=op.f("ck_monthly_gift_ended_by"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_monthly_gift_amount_positive")),
        sa.CheckConstraint("(status = 'ended') = (ended_at IS NOT NULL)", name=op.f("ck_monthly_gift_ended_at")),
        sa.ForeignKeyConstraint(
            ["fundraiser_id"], ["fundraiser.id"], name=op.f("fk_monthly_gift_fundraiser_id_fundraiser")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_monthly_gift_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monthly_gift")),
        sa.UniqueConstraint("stripe_subscription_id", name=op.f("uq_monthly_gift_stripe_subscription_id")),
    )
    with op.batch_alter_table("monthly_gift", schema=None) as batch_op:
        batch_op.create_index("ix_monthly_gift_fundraiser_id_status", ["fundraiser_id", "status"], unique=False)
        batch_op.create_index(batch_op.f("ix_monthly_gift_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index("ix_monthly_gift_status_checked_at", ["status", "checked_at"], unique=False)
    with op.batch_alter_table("donation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("monthly_gift_id", KEY, nullable=True))
        batch_op.add_column(sa.Column("stripe_invoice_id", sa.String(length=255), nullable=True))
        batch_op.create_index(batch_op.f("ix_donation_monthly_gift_id"), ["monthly_gift_id"], unique=False)
        batch_op.create_unique_constraint(batch_op.f("uq_donation_stripe_invoice_id"), ["stripe_invoice_id"])
        batch_op.create_foreign_key(
            batch_op.f("fk_donation_monthly_gift_id_monthly_gift"), "monthly_gift", ["monthly_gift_id"], ["id"]
        )


def downgrade() -> None:
    with op.batch_alter_table("donation", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_donation_monthly_gift_id_monthly_gift"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_donation_stripe_invoice_id"), type_="unique")
        batch_op.drop_index(batch_op.f("ix_donation_monthly_gift_id"))
        batch_op.drop_column("stripe_invoice_id")
        batch_op.drop_column("monthly_gift_id")

    op.drop_table("monthly_gift")
