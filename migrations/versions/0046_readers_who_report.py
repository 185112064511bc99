"""Three readers hide a message, not one who reports it three times: from which network address, as a keyed hash.

Revision: 0046, after 0045.
"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.add_column("message_report", sa.Column("network_hash", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column("message_report", "network_hash")
