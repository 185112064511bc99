"""A goal in donors needs no sum of money beside it.

Revision: 0047, after 0046.
"""

from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    with op.batch_alter_table("fundraiser") as batch:
        batch.drop_constraint(op.f("ck_fundraiser_goal_positive"), type_="check")
        batch.create_check_constraint(
            op.f("ck_fundraiser_goal_positive"), "goal_minor > 0 OR (goal_minor = 0 AND goal_kind = 'donors')"
        )


def downgrade() -> None:
    # Whoever counted donors alone is given a sum: one unit for each of them.
    op.execute("UPDATE fundraiser SET goal_minor = 100 * goal_donors WHERE goal_minor = 0")
    with op.batch_alter_table("fundraiser") as batch:
        batch.drop_constraint(op.f("ck_fundraiser_goal_positive"), type_="check")
        batch.create_check_constraint(op.f("ck_fundraiser_goal_positive"), "goal_minor > 0")
