"""An operator who makes an account without a birth date answers for it that this is an adult, who may vouch for others.

Revision: 0043, after 0042.
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    # Added in place: nothing is copied, and a foreign key deletes nothing meanwhile.
    op.add_column("person", sa.Column("adult_stated_at", sa.DateTime(timezone=True), nullable=True))
    # A role of the platform is given by the operator's command alone. Everybody else is asked for their birth date.
    op.execute(
        "UPDATE person SET adult_stated_at = created_at WHERE platform_role IS NOT NULL AND birth_date IS NULL"
    )


def downgrade() -> None:
    op.drop_column("person", "adult_stated_at")
