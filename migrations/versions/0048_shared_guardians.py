"""A minor lets an organization speak to their guardian.

Revision: 0048, after 0047.
"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "guardian_share",
        sa.Column("guardianship_id", KEY, nullable=False),
        sa.Column("organization_id", KEY, nullable=False),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["guardianship_id"],
            ["guardianship.id"],
            name=op.f("fk_guardian_share_guardianship_id_guardianship"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_guardian_share_organization_id_organization")
        ),
        sa.PrimaryKeyConstraint("guardianship_id", "organization_id", name=op.f("pk_guardian_share")),
    )
    op.create_index(op.f("ix_guardian_share_organization_id"), "guardian_share", ["organization_id"])


def downgrade() -> None:
    op.drop_table("guardian_share")
