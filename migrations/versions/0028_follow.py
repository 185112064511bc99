"""Who follows which organization or topic, and requests that wait for their address to say yes.

Revision: 0028, after 0027.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "follower",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("locale", sa.String(length=16), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.CheckConstraint("(person_id IS NULL) <> (email IS NULL)", name=op.f("ck_follower_person_or_email")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_follower_email_lower")),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_follower_failures")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_follower_person_id_person"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follower")),
        sa.UniqueConstraint("email", name=op.f("uq_follower_email")),
        sa.UniqueConstraint("person_id", name=op.f("uq_follower_person_id")),
    )
    op.create_table(
        "follow",
        sa.Column("follower_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organization_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("topic_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("frequency", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="following", nullable=False),
        sa.Column("followed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=16), server_default="", nullable=False),
        sa.Column("carried_from_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.CheckConstraint("(status = 'following') = (ended_at IS NULL)", name=op.f("ck_follow_ended_at")),
        sa.CheckConstraint("(status = 'following') = (next_at IS NOT NULL)", name=op.f("ck_follow_next_at")),
        sa.CheckConstraint("ended_by IN ('', 'follower', 'delivery')", name=op.f("ck_follow_ended_by")),
        sa.CheckConstraint("frequency IN ('daily', 'weekly')", name=op.f("ck_follow_frequency")),
        sa.CheckConstraint("status IN ('following', 'stopped')", name=op.f("ck_follow_status")),
        sa.CheckConstraint("(organization_id IS NULL) <> (topic_id IS NULL)", name=op.f("ck_follow_one_subject")),
        sa.ForeignKeyConstraint(
            ["carried_from_id"], ["organization.id"], name=op.f("fk_follow_carried_from_id_organization")
        ),
        sa.ForeignKeyConstraint(
            ["follower_id"], ["follower.id"], name=op.f("fk_follow_follower_id_follower"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_follow_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_follow_topic_id_topic")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow")),
        sa.UniqueConstraint("follower_id", "organization_id", name=op.f("uq_follow_follower_id_organization_id")),
        sa.UniqueConstraint("follower_id", "topic_id", name=op.f("uq_follow_follower_id_topic_id")),
    )
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follow_carried_from_id"), ["carried_from_id"], unique=False)
        batch_op.create_index(
            "ix_follow_due",
            ["next_at"],
            unique=False,
            sqlite_where=sa.text("status = 'following'"),
            postgresql_where=sa.text("status = 'following'"),
        )
        batch_op.create_index(batch_op.f("ix_follow_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_topic_id"), ["topic_id"], unique=False)

    op.create_table(
        "follow_request",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("organization_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("topic_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("frequency", sa.String(length=8), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=True),
        sa.Column("status", sa.String(length=16), server_default="waiting", nullable=False),
        sa.Column("follow_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.CheckConstraint("(status = 'waiting') = (email <> '')", name=op.f("ck_follow_request_kept_while_waiting")),
        sa.CheckConstraint("frequency IN ('daily', 'weekly')", name=op.f("ck_follow_request_frequency")),
        sa.CheckConstraint("status IN ('waiting', 'confirmed', 'replaced')", name=op.f("ck_follow_request_status")),
        sa.CheckConstraint(
            "(organization_id IS NULL) <> (topic_id IS NULL)", name=op.f("ck_follow_request_one_subject")
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_follow_request_email_lower")),
        sa.ForeignKeyConstraint(
            ["follow_id"], ["follow.id"], name=op.f("fk_follow_request_follow_id_follow"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_follow_request_organization_id_organization")
        ),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_follow_request_topic_id_topic")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_request")),
    )
    with op.batch_alter_table("follow_request", schema=None) as batch_op:
        batch_op.create_index("ix_follow_request_email", ["email"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_request_follow_id"), ["follow_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_request_organization_id"), ["organization_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_follow_request_topic_id"), ["topic_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("follow_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_follow_request_topic_id"))
        batch_op.drop_index(batch_op.f("ix_follow_request_organization_id"))
        batch_op.drop_index(batch_op.f("ix_follow_request_follow_id"))
        batch_op.drop_index("ix_follow_request_email")

    op.drop_table("follow_request")
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_follow_topic_id"))
        batch_op.drop_index(batch_op.f("ix_follow_organization_id"))
        batch_op.drop_index(
            "ix_follow_due",
            sqlite_where=sa.text("status = 'following'"),
            postgresql_where=sa.text("status = 'following'"),
        )
        batch_op.drop_index(batch_op.f("ix_follow_carried_from_id"))

    op.drop_table("follow")
    op.drop_table("follower")
