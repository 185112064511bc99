"""Stripe keeps its own errors under a key: the next try at the same has another, and its number is kept.

Revision: 0040, after 0039.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.create_table(
        "stripe_try",
        sa.Column("base", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("base", name=op.f("pk_stripe_try")),
    )


def downgrade() -> None:
    op.drop_table("stripe_try")
