"""Whether Stripe itself said that an account was taken from us; the months whose card was declined; Gift Aid declarations that
their donors cancelled.

Revision: 0037, after 0036.
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "monthly_decline",
        sa.Column("monthly_gift_id", KEY, nullable=False),
        sa.Column("stripe_invoice_id", sa.String(length=255), nullable=True),
        sa.Column("declined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["monthly_gift_id"], ["monthly_gift.id"], name=op.f("fk_monthly_decline_monthly_gift_id_monthly_gift")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_monthly_decline")),
        sa.UniqueConstraint("stripe_invoice_id", name=op.f("uq_monthly_decline_stripe_invoice_id")),
    )
    with op.batch_alter_table("monthly_decline") as batch:
        batch.create_index(batch.f("ix_monthly_decline_monthly_gift_id"), ["monthly_gift_id"])
    # Until now only the audit trail knew; of which invoice it was, it does not say.
    op.execute(
        "INSERT INTO monthly_decline (id, monthly_gift_id, declined_at)"
        " SELECT audit_event.id, monthly_gift.id, audit_event.at FROM audit_event"
        " JOIN monthly_gift ON monthly_gift.id = audit_event.subject_id"
        " WHERE audit_event.action = 'monthly_gift.past_due'"
    )
    with op.batch_alter_table("payment_account") as batch:
        batch.add_column(sa.Column("gone_told", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        "UPDATE payment_account SET gone_told = true WHERE deauthorized_at IS NOT NULL AND EXISTS (SELECT 1 FROM stripe_event"
        " WHERE stripe_event.account = payment_account.stripe_account_id AND stripe_event.status = 'handled'"
        " AND stripe_event.type = 'account.application.deauthorized')"
    )
    with op.batch_alter_table("gift_aid_declaration") as batch:
        batch.add_column(sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("gift_aid_declaration") as batch:
        batch.drop_column("cancelled_at")
    with op.batch_alter_table("payment_account") as batch:
        batch.drop_column("gone_told")
    op.drop_table("monthly_decline")
