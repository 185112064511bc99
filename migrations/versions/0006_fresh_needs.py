"""Every need that is open has a date by which it is confirmed (N4): thirty days from now, where there was none.

Revision: 0006, after 0005.
"""

import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    until = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)
    need = sa.table("need", sa.column("status", sa.String), sa.column("confirm_by", sa.Date))
    op.execute(
        need.update().where(need.c.status == "open", need.c.confirm_by.is_(None)).values(confirm_by=until)
    )


def downgrade() -> None:
    """The dates stay: nothing read them before."""
