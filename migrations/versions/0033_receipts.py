"""All that was given under one address is found without reading every gift.

Revision: 0033, after 0032.
"""

from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_index("ix_donation_email", "donation", ["email"])


def downgrade() -> None:
    op.drop_index("ix_donation_email", table_name="donation")
