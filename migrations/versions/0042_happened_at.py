"""The ledger says when what a transaction tells of happened, besides when it was written: a gift is of the day on which it was paid.

Revision: 0042, after 0041.
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    # What was written before stays as it is: nobody updates the ledger. The column is added in place, as its triggers stay.
    op.add_column("ledger_transaction", sa.Column("happened_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("ledger_transaction", "happened_at")
