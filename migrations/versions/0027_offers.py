"""Places that are offered to those who wait, up to a deadline, and how close to the start they go to the first who comes;
and whether the mail to a guest for whom places are held did not arrive.

Revision: 0027, after 0026.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    with op.batch_alter_table("signup") as batch:
        batch.add_column(sa.Column("offer_expires_at", sa.DateTime(timezone=True), nullable=True))
        batch.create_check_constraint(
            op.f("ck_signup_offer_has_end"), "status != 'offered' OR offer_expires_at IS NOT NULL"
        )
    op.create_index(
        "ix_signup_offer_expires_at",
        "signup",
        ["offer_expires_at"],
        sqlite_where=sa.text("status = 'offered'"),
        postgresql_where=sa.text("status = 'offered'"),
    )
    with op.batch_alter_table("guest_hold") as batch:
        batch.add_column(sa.Column("mail_failed_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("organization") as batch:
        batch.add_column(sa.Column("first_come_hours", sa.Integer(), server_default="12", nullable=False))
        batch.create_check_constraint(
            op.f("ck_organization_first_come_hours"), "first_come_hours BETWEEN 0 AND 48"
        )


def downgrade() -> None:
    # Whoever is asked waits again, and the place that was kept is free.
    op.execute(
        "UPDATE position SET taken = taken - (SELECT COALESCE(SUM(party_size), 0) FROM signup"
        " WHERE signup.position_id = position.id AND signup.status = 'offered')"
    )
    op.execute("UPDATE signup SET status = 'waitlisted' WHERE status = 'offered'")
    with op.batch_alter_table("guest_hold") as batch:
        batch.drop_column("mail_failed_at")
    with op.batch_alter_table("organization") as batch:
        batch.drop_constraint(op.f("ck_organization_first_come_hours"), type_="check")
        batch.drop_column("first_come_hours")
    op.drop_index("ix_signup_offer_expires_at", table_name="signup")
    with op.batch_alter_table("signup") as batch:
        batch.drop_constraint(op.f("ck_signup_offer_has_end"), type_="check")
        batch.drop_column("offer_expires_at")
