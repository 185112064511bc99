"""A monthly gift says when what is kept of Stripe's answers was asked: an older answer is never written over a newer one.

Revision: 0044, after 0043.
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.add_column("monthly_gift", sa.Column("as_of", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("monthly_gift", "as_of")
