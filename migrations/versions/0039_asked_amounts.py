"""A monthly gift keeps every amount that was ever asked for: an invoice that Stripe made at an earlier one may be paid weeks later.

Revision: 0039, after 0038.
"""

import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"

GIFT = sa.table(
    "monthly_gift",
    *(sa.column(name) for name in ("id", "amount_minor", "amount_before_minor", "wanted_minor")),
    sa.column("asked_minor", sa.JSON),
    sa.column("amount_changed_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    with op.batch_alter_table("monthly_gift") as batch:
        batch.add_column(sa.Column("asked_minor", sa.JSON(), server_default="[]", nullable=False))
    connection = op.get_bind()
    amounts = sa.select(GIFT.c.id, GIFT.c.amount_before_minor, GIFT.c.amount_minor, GIFT.c.wanted_minor)
    for key, *known in connection.execute(amounts).all():
        asked = list(dict.fromkeys(minor for minor in known if minor is not None))
        connection.execute(sa.update(GIFT).where(GIFT.c.id == key).values(asked_minor=asked))
    with op.batch_alter_table("monthly_gift") as batch:
        batch.drop_column("amount_before_minor")
        batch.drop_column("amount_changed_at")


def downgrade() -> None:
    with op.batch_alter_table("monthly_gift") as batch:
        batch.add_column(sa.Column("amount_before_minor", sa.BigInteger()))
        batch.add_column(sa.Column("amount_changed_at", sa.DateTime(timezone=True)))
    connection = op.get_bind()
    amounts = sa.select(GIFT.c.id, GIFT.c.asked_minor, GIFT.c.amount_minor, GIFT.c.wanted_minor)
    for key, asked, *later in connection.execute(amounts).all():
        before = [minor for minor in asked if minor not in later]
        if before:  # what was asked before it changed is taken up to this moment
            values = {"amount_before_minor": before[-1], "amount_changed_at": dt.datetime.now(dt.UTC)}
            connection.execute(sa.update(GIFT).where(GIFT.c.id == key).values(values))
    with op.batch_alter_table("monthly_gift") as batch:
        batch.drop_column("asked_minor")
