"""What came of a need, for those who helped

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    # Not in batch: that makes the table anew, and others point at it.
    op.add_column("need", sa.Column("closed_from", sa.String(length=16), nullable=True))
    op.add_column("need", sa.Column("outcome", sa.String(length=2000), server_default="", nullable=False))
    op.add_column("need", sa.Column("people_helped", sa.Integer(), nullable=True))
    op.add_column("need", sa.Column("thanks", sa.String(length=500), server_default="", nullable=False))


def downgrade() -> None:
    for name in ("thanks", "people_helped", "outcome", "closed_from"):
        op.drop_column("need", name)
