"""What a donor may say about a gift, what an organization says about gifts, Gift Aid, and receipts that nobody can change.

Revision: 0030, after 0029.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("donation") as batch:
        batch.add_column(sa.Column("cover_fee_minor", KEY, server_default="0", nullable=False))
        batch.add_column(sa.Column("company", sa.String(120), server_default="", nullable=False))
        batch.add_column(sa.Column("hide_from_starter", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch.add_column(sa.Column("hide_from_organization", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch.add_column(sa.Column("dedication", sa.String(8), server_default="", nullable=False))
        batch.add_column(sa.Column("dedicated_to", sa.String(120), server_default="", nullable=False))
        batch.create_check_constraint(
            op.f("ck_donation_cover_fee"), "cover_fee_minor >= 0 AND cover_fee_minor < amount_minor"
        )
        batch.create_check_constraint(op.f("ck_donation_dedication"), "dedication IN ('', 'honor', 'memory')")
    # Whoever chose "only the organization" until now was promised that nobody else sees the name.
    op.execute("UPDATE donation SET hide_from_starter = anonymous")
    op.add_column("fundraiser", sa.Column("suggested_minor", sa.JSON(), server_default="[]", nullable=False))
    op.create_table(
        "giving_terms",
        sa.Column("organization_id", KEY, nullable=False),
        sa.Column("tax_id", sa.String(40), server_default="", nullable=False),
        sa.Column("claims_gift_aid", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("receipt_text", sa.Text(), server_default="", nullable=False),
        sa.Column("fee_share", sa.Integer(), nullable=True),
        sa.Column("fee_fixed_minor", KEY, nullable=True),
        sa.Column("fee_currency", sa.String(3), server_default="", nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("fee_share BETWEEN 0 AND 2000", name=op.f("ck_giving_terms_fee_share")),
        sa.CheckConstraint("fee_fixed_minor >= 0", name=op.f("ck_giving_terms_fee_fixed")),
        sa.CheckConstraint(
            "(fee_share IS NULL) = (fee_fixed_minor IS NULL)", name=op.f("ck_giving_terms_fee_whole")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_giving_terms_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_giving_terms")),
    )
    op.create_table(
        "gift_aid_declaration",
        sa.Column("donation_id", KEY, nullable=False),
        sa.Column("first_name", sa.String(60), nullable=False),
        sa.Column("last_name", sa.String(60), nullable=False),
        sa.Column("address", sa.String(200), nullable=False),
        sa.Column("postal_code", sa.String(16), nullable=False),
        sa.Column("text_version", sa.String(32), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["donation_id"], ["donation.id"], name=op.f("fk_gift_aid_declaration_donation_id_donation")
        ),
        sa.PrimaryKeyConstraint("donation_id", name=op.f("pk_gift_aid_declaration")),
    )
    op.create_table(
        "receipt_counter",
        sa.Column("organization_id", KEY, nullable=False),
        sa.Column("mode", sa.String(8), nullable=False),
        sa.Column("last_number", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_receipt_counter_mode")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_receipt_counter_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("organization_id", "mode", name=op.f("pk_receipt_counter")),
    )
    op.create_table(
        "receipt",
        sa.Column("organization_id", KEY, nullable=False),
        sa.Column("donation_id", KEY, nullable=False),
        sa.Column("mode", sa.String(8), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("cause", sa.String(300), nullable=False),
        sa.Column("corrects_id", KEY, nullable=True),
        sa.Column("amount_minor", KEY, nullable=False),
        sa.Column("stands_minor", KEY, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("donor_name", sa.String(120), server_default="", nullable=False),
        sa.Column("company", sa.String(120), server_default="", nullable=False),
        sa.Column("organization_name", sa.String(160), nullable=False),
        sa.Column("tax_id", sa.String(40), server_default="", nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.CheckConstraint("kind IN ('gift', 'correction')", name=op.f("ck_receipt_kind")),
        sa.CheckConstraint("mode IN ('test', 'live')", name=op.f("ck_receipt_mode")),
        sa.CheckConstraint("number > 0", name=op.f("ck_receipt_number")),
        sa.CheckConstraint("(kind = 'gift') = (corrects_id IS NULL)", name=op.f("ck_receipt_corrects")),
        sa.CheckConstraint("amount_minor <> 0 AND stands_minor >= 0", name=op.f("ck_receipt_amounts")),
        sa.ForeignKeyConstraint(["corrects_id"], ["receipt.id"], name=op.f("fk_receipt_corrects_id_receipt")),
        sa.ForeignKeyConstraint(["donation_id"], ["donation.id"], name=op.f("fk_receipt_donation_id_donation")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_receipt_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("organization_id", "mode", "number", name=op.f("uq_receipt_organization_id_mode_number")),
        sa.UniqueConstraint("donation_id", "cause", name=op.f("uq_receipt_donation_id_cause")),
    )
    op.create_index("ix_receipt_corrects_id", "receipt", ["corrects_id"])
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER receipt_no_{act.lower()} BEFORE {act} ON receipt"
                " BEGIN SELECT RAISE(ABORT, 'receipt is append-only'); END"
            )
    else:
        op.execute(
            "CREATE TRIGGER receipt_append_only BEFORE UPDATE OR DELETE ON receipt"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ("receipt", "receipt_counter", "gift_aid_declaration", "giving_terms"):
        op.drop_table(table)
    with op.batch_alter_table("fundraiser") as batch:
        batch.drop_column("suggested_minor")
    with op.batch_alter_table("donation") as batch:
        batch.drop_constraint(op.f("ck_donation_dedication"), type_="check")
        batch.drop_constraint(op.f("ck_donation_cover_fee"), type_="check")
        for column in (
            "dedicated_to", "dedication", "hide_from_organization", "hide_from_starter", "company", "cover_fee_minor",
        ):  # fmt: skip
            batch.drop_column(column)
