"""What happens to money after it was given: refunds, disputes, payouts and what reconciliation found; and the accounts of the
ledger that exchange and matching gifts need.

Revision: 0029, after 0028.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


OLD = ("donations", "stripe_clearing", "fees", "refunds", "disputes", "offline", "in_transit_to_bank")
NEW = (*OLD, "exchange", "match_promised", "matches")


def _allow(accounts: tuple[str, ...]) -> None:
    """Let entries name these accounts. SQLite makes the table anew, which loses the triggers that keep it (0002)."""
    with op.batch_alter_table("ledger_entry") as batch:
        batch.drop_constraint(op.f("ck_ledger_entry_account"), type_="check")
        batch.create_check_constraint(op.f("ck_ledger_entry_account"), f"account IN {accounts}")
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER ledger_entry_no_{act.lower()} BEFORE {act} ON ledger_entry"
                " BEGIN SELECT RAISE(ABORT, 'ledger_entry is append-only'); END"
            )


def upgrade() -> None:
    _allow(NEW)
    op.create_table(
        "reconciliation",
        sa.Column("account_key", sa.String(length=255), nullable=False),
        sa.Column("compared_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("differing", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_key", name=op.f("pk_reconciliation")),
    )
    op.create_table(
        "payout",
        sa.Column("organization_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("account", sa.String(length=255), nullable=True),
        sa.Column("stripe_payout_id", sa.String(length=255), nullable=False),
        sa.Column("amount_minor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("arrives_on", sa.Date(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.String(length=60), server_default="", nullable=False),
        sa.Column("stripe_balance_transaction_id", sa.String(length=255), nullable=True),
        sa.Column("failure_balance_transaction_id", sa.String(length=255), nullable=True),
        sa.Column("is_complete", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'in_transit', 'paid', 'failed', 'canceled')", name=op.f("ck_payout_status")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_payout_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
        sa.UniqueConstraint("failure_balance_transaction_id", name=op.f("uq_payout_failure_balance_transaction_id")),
        sa.UniqueConstraint("stripe_balance_transaction_id", name=op.f("uq_payout_stripe_balance_transaction_id")),
        sa.UniqueConstraint("stripe_payout_id", name=op.f("uq_payout_stripe_payout_id")),
    )
    with op.batch_alter_table("payout", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payout_organization_id"), ["organization_id"], unique=False)

    op.create_table(
        "dispute",
        sa.Column("donation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=True),
        sa.Column("stripe_dispute_id", sa.String(length=255), nullable=False),
        sa.Column("amount_minor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("respond_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("has_evidence", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("is_charge_refundable", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column(
            "withdrawn_minor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=True),
        sa.Column("evidence_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_dispute_amount_positive")),
        sa.ForeignKeyConstraint(["donation_id"], ["donation.id"], name=op.f("fk_dispute_donation_id_donation")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_dispute_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["submitted_by_id"], ["person.id"], name=op.f("fk_dispute_submitted_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
        sa.UniqueConstraint("stripe_dispute_id", name=op.f("uq_dispute_stripe_dispute_id")),
    )
    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dispute_donation_id"), ["donation_id"], unique=False)
        batch_op.create_index("ix_dispute_organization_id_status", ["organization_id", "status"], unique=False)
        batch_op.create_index("ix_dispute_status_checked_at", ["status", "checked_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispute_submitted_by_id"), ["submitted_by_id"], unique=False)

    op.create_table(
        "fraud_warning",
        sa.Column("donation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stripe_warning_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("actionable", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["donation_id"], ["donation.id"], name=op.f("fk_fraud_warning_donation_id_donation")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_fraud_warning_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fraud_warning")),
        sa.UniqueConstraint("stripe_warning_id", name=op.f("uq_fraud_warning_stripe_warning_id")),
    )
    with op.batch_alter_table("fraud_warning", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fraud_warning_donation_id"), ["donation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_fraud_warning_organization_id"), ["organization_id"], unique=False)

    op.create_table(
        "money_mismatch",
        sa.Column("organization_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("donation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("account", sa.String(length=255), nullable=True),
        sa.Column("account_key", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("detail", sa.String(length=300), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found_last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["donation_id"], ["donation.id"], name=op.f("fk_money_mismatch_donation_id_donation")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_money_mismatch_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["seen_by_id"], ["person.id"], name=op.f("fk_money_mismatch_seen_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_mismatch")),
        sa.UniqueConstraint("account_key", "kind", "subject", name="uq_money_mismatch_account_key"),
    )
    with op.batch_alter_table("money_mismatch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_money_mismatch_donation_id"), ["donation_id"], unique=False)
        batch_op.create_index("ix_money_mismatch_organization_id_seen_at", ["organization_id", "seen_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_money_mismatch_seen_by_id"), ["seen_by_id"], unique=False)

    op.create_table(
        "payout_line",
        sa.Column("payout_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("fundraiser_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("donation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("stripe_balance_transaction_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("amount_minor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fee_minor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["donation_id"], ["donation.id"], name=op.f("fk_payout_line_donation_id_donation")),
        sa.ForeignKeyConstraint(
            ["fundraiser_id"], ["fundraiser.id"], name=op.f("fk_payout_line_fundraiser_id_fundraiser")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_payout_line_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["payout_id"], ["payout.id"], name=op.f("fk_payout_line_payout_id_payout")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_line")),
        sa.UniqueConstraint("payout_id", "stripe_balance_transaction_id", name="uq_payout_line_payout_id"),
    )
    with op.batch_alter_table("payout_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payout_line_donation_id"), ["donation_id"], unique=False)
        batch_op.create_index("ix_payout_line_fundraiser_id", ["fundraiser_id", "payout_id"], unique=False)
        batch_op.create_index("ix_payout_line_organization_id", ["organization_id", "payout_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_payout_line_stripe_balance_transaction_id"), ["stripe_balance_transaction_id"], unique=False
        )

    op.create_table(
        "refund",
        sa.Column("donation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=True),
        sa.Column("amount_minor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("problem", sa.String(length=60), server_default="", nullable=False),
        sa.Column("asked_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("form_key", sa.String(length=64), nullable=True),
        sa.Column("stripe_refund_id", sa.String(length=255), nullable=True),
        sa.Column("stripe_balance_transaction_id", sa.String(length=255), nullable=True),
        sa.Column("failure_balance_transaction_id", sa.String(length=255), nullable=True),
        sa.Column(
            "booked_minor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.CheckConstraint(
            "reason IN ('requested_by_customer', 'duplicate', 'fraudulent')", name=op.f("ck_refund_reason")
        ),
        sa.CheckConstraint(
            "status IN ('asked', 'refused') OR stripe_refund_id IS NOT NULL", name=op.f("ck_refund_known_at_stripe")
        ),
        sa.CheckConstraint(
            "status IN ('asked', 'requires_action', 'pending', 'succeeded', 'failed', 'canceled', 'refused')",
            name=op.f("ck_refund_status"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refund_amount_positive")),
        sa.CheckConstraint("booked_minor IN (0, amount_minor)", name=op.f("ck_refund_booked")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["person.id"], name=op.f("fk_refund_asked_by_id_person")),
        sa.ForeignKeyConstraint(["donation_id"], ["donation.id"], name=op.f("fk_refund_donation_id_donation")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_refund_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("failure_balance_transaction_id", name=op.f("uq_refund_failure_balance_transaction_id")),
        sa.UniqueConstraint("form_key", name=op.f("uq_refund_form_key")),
        sa.UniqueConstraint("stripe_balance_transaction_id", name=op.f("uq_refund_stripe_balance_transaction_id")),
        sa.UniqueConstraint("stripe_refund_id", name=op.f("uq_refund_stripe_refund_id")),
    )
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_asked_by_id"), ["asked_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refund_donation_id"), ["donation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refund_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index("ix_refund_status", ["status", "checked_at"], unique=False)

    with op.batch_alter_table("donation", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "refunded_minor",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                server_default="0",
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column(
                "disputed_minor",
                sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
                server_default="0",
                nullable=False,
            )
        )
        batch_op.create_check_constraint(op.f("ck_donation_refunded"), "refunded_minor BETWEEN 0 AND amount_minor")
        batch_op.create_check_constraint(op.f("ck_donation_disputed"), "disputed_minor >= 0")


def downgrade() -> None:
    _allow(OLD)  # refused by the constraint itself where an entry is in one of the newer accounts
    with op.batch_alter_table("donation", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_donation_refunded"), type_="check")
        batch_op.drop_constraint(op.f("ck_donation_disputed"), type_="check")
        batch_op.drop_column("disputed_minor")
        batch_op.drop_column("refunded_minor")

    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.drop_index("ix_refund_status")
        batch_op.drop_index(batch_op.f("ix_refund_organization_id"))
        batch_op.drop_index(batch_op.f("ix_refund_donation_id"))
        batch_op.drop_index(batch_op.f("ix_refund_asked_by_id"))

    op.drop_table("refund")
    with op.batch_alter_table("payout_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payout_line_stripe_balance_transaction_id"))
        batch_op.drop_index("ix_payout_line_organization_id")
        batch_op.drop_index("ix_payout_line_fundraiser_id")
        batch_op.drop_index(batch_op.f("ix_payout_line_donation_id"))

    op.drop_table("payout_line")
    with op.batch_alter_table("money_mismatch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_money_mismatch_seen_by_id"))
        batch_op.drop_index("ix_money_mismatch_organization_id_seen_at")
        batch_op.drop_index(batch_op.f("ix_money_mismatch_donation_id"))

    op.drop_table("money_mismatch")
    with op.batch_alter_table("fraud_warning", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fraud_warning_organization_id"))
        batch_op.drop_index(batch_op.f("ix_fraud_warning_donation_id"))

    op.drop_table("fraud_warning")
    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dispute_submitted_by_id"))
        batch_op.drop_index("ix_dispute_status_checked_at")
        batch_op.drop_index("ix_dispute_organization_id_status")
        batch_op.drop_index(batch_op.f("ix_dispute_donation_id"))

    op.drop_table("dispute")
    with op.batch_alter_table("payout", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payout_organization_id"))

    op.drop_table("payout")
    op.drop_table("reconciliation")
