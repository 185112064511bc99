"""An event says since when Stripe does not know what it speaks of: believed when it says the same a day later.

Revision: 0045, after 0044.
"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.add_column("stripe_event", sa.Column("gone_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("stripe_event", "gone_since")
