"""What the page of a try to pay says one pays for is kept with the try.

Revision: 0038, after 0037.
"""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    with op.batch_alter_table("donation") as batch:
        batch.add_column(sa.Column("checkout_title", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("donation") as batch:
        batch.drop_column("checkout_title")
