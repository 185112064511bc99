"""A monthly gift can end because its account was taken from us; the page for another card is set up once for each account; what
sponsors add to a member's page is on its team's page, too.

Revision: 0035, after 0034.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

ENDED_BY = "ended_by IN ('', 'donor', 'fundraiser', 'payment', 'organization'{more})"
# What members' pages were matched with, by the team that each gift keeps.
OF_MEMBERS = """
UPDATE fundraiser_tally SET matched_minor = matched_minor {sign} COALESCE((
  SELECT SUM(-e.amount_minor) FROM ledger_entry AS e
  JOIN ledger_transaction AS t ON t.id = e.transaction_id
  JOIN donation AS d ON d.id = t.donation_id
  WHERE e.account = 'matches' AND d.team_id = fundraiser_tally.fundraiser_id AND e.fundraiser_id = d.fundraiser_id
), 0)
"""


def _ended_by(more: str) -> None:
    with op.batch_alter_table("monthly_gift", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_monthly_gift_ended_by"), type_="check")
        batch_op.create_check_constraint(op.f("ck_monthly_gift_ended_by"), ENDED_BY.format(more=more))


def upgrade() -> None:
    _ended_by(", 'account'")
    op.create_table(
        "portal_configuration",
        sa.Column("account_key", sa.String(length=255), nullable=False),
        sa.Column("stripe_configuration_id", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_key", name=op.f("pk_portal_configuration")),
    )
    op.execute(OF_MEMBERS.format(sign="+"))


def downgrade() -> None:
    op.execute(OF_MEMBERS.format(sign="-"))
    op.drop_table("portal_configuration")
    op.execute("UPDATE monthly_gift SET ended_by = 'organization' WHERE ended_by = 'account'")
    _ended_by("")
