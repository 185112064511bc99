"""Names that donors show are held, hidden and reported like their messages; moderators of the platform hide, too.

Revision: 0036, after 0035.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

OLD = ("", "words", "staff", "starter")
NEW = (*OLD, "platform")


def upgrade() -> None:
    with op.batch_alter_table("donation") as batch:
        batch.add_column(sa.Column("name_hidden_by", sa.String(8), server_default="", nullable=False))
        batch.add_column(sa.Column("name_hidden_reason", sa.String(300), server_default="", nullable=False))
        batch.drop_constraint(op.f("ck_donation_hidden_by"), type_="check")
        batch.create_check_constraint(op.f("ck_donation_hidden_by"), f"hidden_by IN {NEW}")
        batch.create_check_constraint(op.f("ck_donation_name_hidden_by"), f"name_hidden_by IN {NEW}")
    with op.batch_alter_table("message_report") as batch:
        batch.add_column(sa.Column("part", sa.String(8), server_default="message", nullable=False))
        batch.create_check_constraint(op.f("ck_message_report_part"), "part IN ('message', 'name')")


def downgrade() -> None:
    op.execute("DELETE FROM message_report WHERE part = 'name'")
    # What a moderator hid stays hidden.
    op.execute("UPDATE donation SET hidden_by = 'staff' WHERE hidden_by = 'platform'")
    with op.batch_alter_table("message_report") as batch:
        batch.drop_constraint(op.f("ck_message_report_part"), type_="check")
        batch.drop_column("part")
    with op.batch_alter_table("donation") as batch:
        batch.drop_constraint(op.f("ck_donation_name_hidden_by"), type_="check")
        batch.drop_constraint(op.f("ck_donation_hidden_by"), type_="check")
        batch.create_check_constraint(op.f("ck_donation_hidden_by"), f"hidden_by IN {OLD}")
        batch.drop_column("name_hidden_reason")
        batch.drop_column("name_hidden_by")
