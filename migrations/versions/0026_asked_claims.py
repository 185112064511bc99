"""What people asked to have checked.

Revision: 0026, after 0025.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "asked_claim",
        sa.Column("status", sa.String(length=16), server_default="open", nullable=False),
        sa.Column("text", sa.String(length=600), nullable=False),
        sa.Column("seen_where", sa.String(length=120), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by_id", KEY, nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("email_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locale", sa.String(length=16), nullable=True),
        sa.Column("taken_by_id", KEY, nullable=True),
        sa.Column("decided_by_id", KEY, nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("question_id", KEY, nullable=True),
        sa.Column("decline_code", sa.String(length=32), server_default="", nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("merged_into_id", KEY, nullable=True),
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.CheckConstraint(
            "status IN ('open', 'taken', 'answered', 'declined', 'merged')", name=op.f("ck_asked_claim_status")
        ),
        sa.CheckConstraint("(status = 'answered') = (question_id IS NOT NULL)", name=op.f("ck_asked_claim_answered")),
        sa.CheckConstraint("(status = 'merged') = (merged_into_id IS NOT NULL)", name=op.f("ck_asked_claim_merged")),
        sa.CheckConstraint("(status = 'declined') = (decline_code <> '')", name=op.f("ck_asked_claim_declined")),
        sa.CheckConstraint("status <> 'taken' OR taken_by_id IS NOT NULL", name=op.f("ck_asked_claim_taken")),
        sa.CheckConstraint(
            "merged_into_id IS NULL OR merged_into_id <> id", name=op.f("ck_asked_claim_not_into_itself")
        ),
        sa.ForeignKeyConstraint(["asked_by_id"], ["person.id"], name=op.f("fk_asked_claim_asked_by_id_person")),
        sa.ForeignKeyConstraint(["taken_by_id"], ["person.id"], name=op.f("fk_asked_claim_taken_by_id_person")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name=op.f("fk_asked_claim_decided_by_id_person")),
        sa.ForeignKeyConstraint(["question_id"], ["question.id"], name=op.f("fk_asked_claim_question_id_question")),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["asked_claim.id"], name=op.f("fk_asked_claim_merged_into_id_asked_claim")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asked_claim")),
    )
    with op.batch_alter_table("asked_claim", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_asked_claim_asked_by_id"), ["asked_by_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_asked_claim_merged_into_id"), ["merged_into_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_asked_claim_question_id"), ["question_id"], unique=False)
        batch_op.create_index("ix_asked_claim_status_created_at", ["status", "created_at"], unique=False)


def downgrade() -> None:
    op.drop_table("asked_claim")
