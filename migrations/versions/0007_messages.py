"""What people choose about their mail, and links that sign in or change an address.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

BEFORE = "purpose IN ('verify_email', 'reset_password')"
AFTER = "purpose IN ('verify_email', 'reset_password', 'sign_in', 'change_email')"


def _purposes(condition: str) -> None:
    with op.batch_alter_table("link_token") as table:
        table.drop_constraint(op.f("ck_link_token_purpose"), type_="check")
        table.create_check_constraint(op.f("ck_link_token_purpose"), condition)


def upgrade() -> None:
    op.create_table(
        "mail_preference",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("choice", sa.String(length=16), nullable=False),
        sa.CheckConstraint("choice IN ('at_once', 'daily', 'never')", name=op.f("ck_mail_preference_choice")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_mail_preference_person_id_person"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "kind", name=op.f("pk_mail_preference")),
    )
    op.create_table(
        "quiet_hours",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("begins", sa.Integer(), nullable=False),
        sa.Column("ends", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "begins BETWEEN 0 AND 1439 AND ends BETWEEN 0 AND 1439", name=op.f("ck_quiet_hours_minutes_of_a_day")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_quiet_hours_person_id_person"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_quiet_hours")),
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mail_failed_at", sa.DateTime(timezone=True), nullable=True))
    _purposes(AFTER)


def downgrade() -> None:
    op.execute("DELETE FROM link_token WHERE purpose IN ('sign_in', 'change_email')")
    op.execute("DELETE FROM link_token WHERE purpose IN ('sign_in', 'change_email')")
    _purposes(BEFORE)
    # Not as a copy of the table: everything points at it.
    op.drop_column("person", "mail_failed_at")
    op.drop_table("quiet_hours")
    op.drop_table("mail_preference")
