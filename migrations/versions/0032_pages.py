"""Pages of fundraisers: counters of their money beside the facts; teams, updates, pictures, goals in donors and things, matching
gifts, gifts in person, messages that are kept from the page and reported; fundraisers are followed.

Revision: 0032, after 0031.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATUSES = ("pending", "processing", "paid", "failed", "expired", "mismatched")
ONE_OF_TWO = "(organization_id IS NULL) <> (topic_id IS NULL)"
ONE_OF_THREE = (
    "(CASE WHEN organization_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN topic_id IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN fundraiser_id IS NULL THEN 0 ELSE 1 END) = 1"
)
FUNDRAISER_CHECKS = (
    ("goal_kind", "goal_kind IN ('money', 'donors', 'items')"),
    ("goal_of_donors", "(goal_kind = 'donors') = (goal_donors IS NOT NULL)"),
    ("goal_of_items", "(goal_kind = 'items') = (item_minor IS NOT NULL)"),
    ("goal_donors_positive", "goal_donors > 0"),
    ("item_price_positive", "item_minor > 0"),
    ("one_level", "NOT (is_team AND team_id IS NOT NULL)"),
)

TALLIES = """
INSERT INTO fundraiser_tally (fundraiser_id, settled_minor, processing_minor, gift_count, donor_count)
SELECT f.id,
  (SELECT COALESCE(-SUM(e.amount_minor), 0) FROM ledger_entry AS e
    WHERE e.fundraiser_id = f.id AND e.currency = f.currency AND e.account IN ('donations', 'refunds', 'disputes')),
  (SELECT COALESCE(SUM(d.amount_minor), 0) FROM donation AS d WHERE d.fundraiser_id = f.id AND d.status = 'processing'),
  (SELECT COUNT(*) FROM donation AS d WHERE d.fundraiser_id = f.id AND d.status = 'paid'),
  (SELECT COUNT(DISTINCT d.email) FROM donation AS d WHERE d.fundraiser_id = f.id AND d.status = 'paid')
FROM fundraiser AS f WHERE EXISTS (SELECT 1 FROM donation AS d WHERE d.fundraiser_id = f.id)
"""
DONORS = """
INSERT INTO fundraiser_donor (fundraiser_id, donor, given_minor)
SELECT fundraiser_id, email, SUM(amount_minor) FROM donation WHERE status = 'paid' GROUP BY fundraiser_id, email
"""


def upgrade() -> None:
    _tallies()
    op.create_table('fundraiser_picture',
    sa.Column('fundraiser_id', BIG, nullable=False),
    sa.Column('by_id', BIG, nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=True),
    sa.Column('digest', sa.String(length=32), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('alt', sa.String(length=200), nullable=False),
    sa.Column('shows_children', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('consent', sa.String(length=300), server_default='', nullable=False),
    sa.Column('consent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('consent_withdrawn', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('id', BIG, autoincrement=False, nullable=False),
    sa.CheckConstraint('(removed_at IS NULL) = (content IS NOT NULL)', name=op.f('ck_fundraiser_picture_gone_when_removed')),
    sa.CheckConstraint('NOT shows_children OR consent_at IS NOT NULL', name=op.f('ck_fundraiser_picture_children_with_consent')),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_fundraiser_picture_by_id_person')),
    sa.ForeignKeyConstraint(['fundraiser_id'], ['fundraiser.id'], name=op.f('fk_fundraiser_picture_fundraiser_id_fundraiser')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fundraiser_picture'))
    )
    with op.batch_alter_table('fundraiser_picture', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_fundraiser_picture_by_id'), ['by_id'], unique=False)
        batch_op.create_index('ix_fundraiser_picture_fundraiser_id_digest', ['fundraiser_id', 'digest'], unique=False)

    op.create_table('fundraiser_update',
    sa.Column('fundraiser_id', BIG, nullable=False),
    sa.Column('by_id', BIG, nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', BIG, autoincrement=False, nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_fundraiser_update_by_id_person')),
    sa.ForeignKeyConstraint(['fundraiser_id'], ['fundraiser.id'], name=op.f('fk_fundraiser_update_fundraiser_id_fundraiser')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fundraiser_update'))
    )
    with op.batch_alter_table('fundraiser_update', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_fundraiser_update_by_id'), ['by_id'], unique=False)
        batch_op.create_index('ix_fundraiser_update_fundraiser_id_created_at', ['fundraiser_id', 'created_at', 'id'], unique=False)

    op.create_table('matching_gift',
    sa.Column('fundraiser_id', BIG, nullable=False),
    sa.Column('sponsor', sa.String(length=120), nullable=False),
    sa.Column('cap_minor', BIG, nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('claimed_minor', BIG, server_default='0', nullable=False),
    sa.Column('paid_minor', BIG, server_default='0', nullable=False),
    sa.Column('created_by_id', BIG, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', BIG, autoincrement=False, nullable=False),
    sa.CheckConstraint('cap_minor > 0', name=op.f('ck_matching_gift_cap_positive')),
    sa.CheckConstraint('claimed_minor >= 0 AND claimed_minor <= cap_minor', name=op.f('ck_matching_gift_claimed_within_cap')),
    sa.CheckConstraint('ends_on >= starts_on', name=op.f('ck_matching_gift_days_in_order')),
    sa.CheckConstraint('paid_minor >= 0', name=op.f('ck_matching_gift_paid_not_negative')),
    sa.ForeignKeyConstraint(['created_by_id'], ['person.id'], name=op.f('fk_matching_gift_created_by_id_person')),
    sa.ForeignKeyConstraint(['fundraiser_id'], ['fundraiser.id'], name=op.f('fk_matching_gift_fundraiser_id_fundraiser')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_matching_gift'))
    )
    with op.batch_alter_table('matching_gift', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_matching_gift_created_by_id'), ['created_by_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_matching_gift_fundraiser_id'), ['fundraiser_id'], unique=False)

    op.create_table('match_claim',
    sa.Column('matching_gift_id', BIG, nullable=False),
    sa.Column('donation_id', BIG, nullable=False),
    sa.Column('amount_minor', BIG, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', BIG, autoincrement=False, nullable=False),
    sa.CheckConstraint('amount_minor >= 0', name=op.f('ck_match_claim_amount_not_negative')),
    sa.ForeignKeyConstraint(['donation_id'], ['donation.id'], name=op.f('fk_match_claim_donation_id_donation')),
    sa.ForeignKeyConstraint(['matching_gift_id'], ['matching_gift.id'], name=op.f('fk_match_claim_matching_gift_id_matching_gift')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_match_claim')),
    sa.UniqueConstraint('matching_gift_id', 'donation_id', name=op.f('uq_match_claim_matching_gift_id_donation_id'))
    )
    with op.batch_alter_table('match_claim', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_match_claim_donation_id'), ['donation_id'], unique=False)

    op.create_table('message_report',
    sa.Column('donation_id', BIG, nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('by_id', BIG, nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', BIG, autoincrement=False, nullable=False),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_message_report_by_id_person')),
    sa.ForeignKeyConstraint(['donation_id'], ['donation.id'], name=op.f('fk_message_report_donation_id_donation')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_message_report'))
    )
    with op.batch_alter_table('message_report', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_message_report_by_id'), ['by_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_message_report_donation_id'), ['donation_id'], unique=False)

    with op.batch_alter_table('donation', schema=None) as batch_op:
        batch_op.add_column(sa.Column('team_id', BIG, nullable=True))
        batch_op.add_column(sa.Column('hidden_by', sa.String(length=8), server_default='', nullable=False))
        batch_op.add_column(sa.Column('hidden_reason', sa.String(length=300), server_default='', nullable=False))
        batch_op.add_column(sa.Column('recorded_by_id', BIG, nullable=True))
        batch_op.add_column(sa.Column('received_on', sa.Date(), nullable=True))
        batch_op.create_index(batch_op.f('ix_donation_recorded_by_id'), ['recorded_by_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_donation_team_id'), ['team_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_donation_recorded_by_id_person'), 'person', ['recorded_by_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_donation_team_id_fundraiser'), 'fundraiser', ['team_id'], ['id'])
        batch_op.drop_constraint(op.f("ck_donation_status"), type_="check")
        batch_op.create_check_constraint(op.f("ck_donation_status"), f"status IN {(*STATUSES, 'recorded')}")
        batch_op.create_check_constraint(op.f("ck_donation_hidden_by"), "hidden_by IN ('', 'words', 'staff', 'starter')")
        batch_op.create_check_constraint(
            op.f("ck_donation_recorded_offline"), "source = 'offline' OR status <> 'recorded'"
        )

    with op.batch_alter_table('follow', schema=None) as batch_op:
        batch_op.add_column(sa.Column('fundraiser_id', BIG, nullable=True))
        batch_op.add_column(sa.Column('handed_from_id', BIG, nullable=True))
        batch_op.create_index(batch_op.f('ix_follow_fundraiser_id'), ['fundraiser_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_follow_handed_from_id'), ['handed_from_id'], unique=False)
        batch_op.create_unique_constraint(batch_op.f('uq_follow_follower_id_fundraiser_id'), ['follower_id', 'fundraiser_id'])
        batch_op.create_foreign_key(batch_op.f('fk_follow_handed_from_id_fundraiser'), 'fundraiser', ['handed_from_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_follow_fundraiser_id_fundraiser'), 'fundraiser', ['fundraiser_id'], ['id'])
        batch_op.drop_constraint(op.f("ck_follow_one_subject"), type_="check")
        batch_op.create_check_constraint(op.f("ck_follow_one_subject"), ONE_OF_THREE)

    with op.batch_alter_table('follow_request', schema=None) as batch_op:
        batch_op.add_column(sa.Column('fundraiser_id', BIG, nullable=True))
        batch_op.create_index(batch_op.f('ix_follow_request_fundraiser_id'), ['fundraiser_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_follow_request_fundraiser_id_fundraiser'), 'fundraiser', ['fundraiser_id'], ['id'])
        batch_op.drop_constraint(op.f("ck_follow_request_one_subject"), type_="check")
        batch_op.create_check_constraint(op.f("ck_follow_request_one_subject"), ONE_OF_THREE)

    with op.batch_alter_table('fundraiser', schema=None) as batch_op:
        batch_op.add_column(sa.Column('by_organization', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('is_team', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column('team_id', BIG, nullable=True))
        batch_op.add_column(sa.Column('goal_kind', sa.String(length=8), server_default='money', nullable=False))
        batch_op.add_column(sa.Column('goal_donors', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('item_name', sa.String(length=120), server_default='', nullable=False))
        batch_op.add_column(sa.Column('item_minor', BIG, nullable=True))
        batch_op.add_column(sa.Column('leaderboard', sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.add_column(sa.Column('milestone', sa.Integer(), server_default='0', nullable=False))
        batch_op.create_index(batch_op.f('ix_fundraiser_team_id'), ['team_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_fundraiser_team_id_fundraiser'), 'fundraiser', ['team_id'], ['id'])
        for name, rule in FUNDRAISER_CHECKS:
            batch_op.create_check_constraint(op.f(f"ck_fundraiser_{name}"), rule)

    with op.batch_alter_table('organization', schema=None) as batch_op:
        batch_op.add_column(sa.Column('overflow_rule', sa.String(length=300), server_default='', nullable=False))


    # What was reached by now is told nobody again.
    op.execute(
        "UPDATE fundraiser SET milestone = COALESCE((SELECT CASE"
        " WHEN t.settled_minor * 100 >= 75 * goal_minor THEN 75 WHEN t.settled_minor * 100 >= 50 * goal_minor THEN 50"
        " WHEN t.settled_minor * 100 >= 25 * goal_minor THEN 25 ELSE 0 END"
        " FROM fundraiser_tally AS t WHERE t.fundraiser_id = fundraiser.id), 0)"
    )
    op.execute("UPDATE fundraiser SET milestone = 100 WHERE goal_reached_at IS NOT NULL")


def downgrade() -> None:
    with op.batch_alter_table('organization', schema=None) as batch_op:
        batch_op.drop_column('overflow_rule')

    with op.batch_alter_table('fundraiser', schema=None) as batch_op:
        for name, _rule in FUNDRAISER_CHECKS:
            batch_op.drop_constraint(op.f(f"ck_fundraiser_{name}"), type_="check")
        batch_op.drop_constraint(batch_op.f('fk_fundraiser_team_id_fundraiser'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_fundraiser_team_id'))
        batch_op.drop_column('milestone')
        batch_op.drop_column('leaderboard')
        batch_op.drop_column('item_minor')
        batch_op.drop_column('item_name')
        batch_op.drop_column('goal_donors')
        batch_op.drop_column('goal_kind')
        batch_op.drop_column('team_id')
        batch_op.drop_column('is_team')
        batch_op.drop_column('by_organization')

    op.execute("DELETE FROM follow_request WHERE fundraiser_id IS NOT NULL")
    with op.batch_alter_table('follow_request', schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_follow_request_one_subject"), type_="check")
        batch_op.create_check_constraint(op.f("ck_follow_request_one_subject"), ONE_OF_TWO)
        batch_op.drop_constraint(batch_op.f('fk_follow_request_fundraiser_id_fundraiser'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_follow_request_fundraiser_id'))
        batch_op.drop_column('fundraiser_id')

    op.execute("DELETE FROM follow WHERE fundraiser_id IS NOT NULL")
    with op.batch_alter_table('follow', schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_follow_one_subject"), type_="check")
        batch_op.create_check_constraint(op.f("ck_follow_one_subject"), ONE_OF_TWO)
        batch_op.drop_constraint(batch_op.f('fk_follow_fundraiser_id_fundraiser'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_follow_handed_from_id_fundraiser'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('uq_follow_follower_id_fundraiser_id'), type_='unique')
        batch_op.drop_index(batch_op.f('ix_follow_handed_from_id'))
        batch_op.drop_index(batch_op.f('ix_follow_fundraiser_id'))
        batch_op.drop_column('handed_from_id')
        batch_op.drop_column('fundraiser_id')

    op.execute("UPDATE donation SET status = 'expired' WHERE status = 'recorded'")
    with op.batch_alter_table('donation', schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_donation_recorded_offline"), type_="check")
        batch_op.drop_constraint(op.f("ck_donation_hidden_by"), type_="check")
        batch_op.drop_constraint(op.f("ck_donation_status"), type_="check")
        batch_op.create_check_constraint(op.f("ck_donation_status"), f"status IN {STATUSES}")
        batch_op.drop_constraint(batch_op.f('fk_donation_team_id_fundraiser'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_donation_recorded_by_id_person'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_donation_team_id'))
        batch_op.drop_index(batch_op.f('ix_donation_recorded_by_id'))
        batch_op.drop_column('received_on')
        batch_op.drop_column('recorded_by_id')
        batch_op.drop_column('hidden_reason')
        batch_op.drop_column('hidden_by')
        batch_op.drop_column('team_id')

    with op.batch_alter_table('message_report', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_message_report_donation_id'))
        batch_op.drop_index(batch_op.f('ix_message_report_by_id'))

    op.drop_table('message_report')
    with op.batch_alter_table('match_claim', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_match_claim_donation_id'))

    op.drop_table('match_claim')
    with op.batch_alter_table('matching_gift', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_matching_gift_fundraiser_id'))
        batch_op.drop_index(batch_op.f('ix_matching_gift_created_by_id'))

    op.drop_table('matching_gift')
    with op.batch_alter_table('fundraiser_update', schema=None) as batch_op:
        batch_op.drop_index('ix_fundraiser_update_fundraiser_id_created_at')
        batch_op.drop_index(batch_op.f('ix_fundraiser_update_by_id'))

    op.drop_table('fundraiser_update')
    with op.batch_alter_table('fundraiser_picture', schema=None) as batch_op:
        batch_op.drop_index('ix_fundraiser_picture_fundraiser_id_digest')
        batch_op.drop_index(batch_op.f('ix_fundraiser_picture_by_id'))

    op.drop_table('fundraiser_picture')
    with op.batch_alter_table("donation", schema=None) as batch_op:
        batch_op.drop_index("ix_donation_largest")
        batch_op.drop_index("ix_donation_fundraiser_id_created_at")
        batch_op.drop_index("ix_donation_fundraiser_id_status_created_at")
        batch_op.create_index("ix_donation_fundraiser_id_status", ["fundraiser_id", "status"], unique=False)
        batch_op.drop_constraint(op.f("ck_donation_source"), type_="check")
        batch_op.drop_column("source")
    op.drop_table("fundraiser_donor")
    op.drop_table("fundraiser_tally")


def _tallies() -> None:
    op.create_table(
        "fundraiser_tally",
        sa.Column("fundraiser_id", BIG, autoincrement=False, nullable=False),
        *(
            sa.Column(name, BIG, server_default="0", nullable=False)
            for name in ("settled_minor", "offline_minor", "matched_minor", "processing_minor")
        ),
        sa.Column("gift_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("donor_count", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("processing_minor >= 0", name=op.f("ck_fundraiser_tally_processing_not_negative")),
        sa.CheckConstraint("matched_minor >= 0", name=op.f("ck_fundraiser_tally_matched_not_negative")),
        sa.CheckConstraint("settled_minor >= 0", name=op.f("ck_fundraiser_tally_settled_not_negative")),
        sa.CheckConstraint("offline_minor >= 0", name=op.f("ck_fundraiser_tally_offline_not_negative")),
        sa.CheckConstraint("gift_count >= 0", name=op.f("ck_fundraiser_tally_gift_count_not_negative")),
        sa.CheckConstraint("donor_count >= 0", name=op.f("ck_fundraiser_tally_donor_count_not_negative")),
        sa.ForeignKeyConstraint(
            ["fundraiser_id"], ["fundraiser.id"], name=op.f("fk_fundraiser_tally_fundraiser_id_fundraiser")
        ),
        sa.PrimaryKeyConstraint("fundraiser_id", name=op.f("pk_fundraiser_tally")),
    )
    op.create_table(
        "fundraiser_donor",
        sa.Column("fundraiser_id", BIG, autoincrement=False, nullable=False),
        sa.Column("donor", sa.String(length=254), nullable=False),
        sa.Column("given_minor", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["fundraiser_id"], ["fundraiser.id"], name=op.f("fk_fundraiser_donor_fundraiser_id_fundraiser")
        ),
        sa.PrimaryKeyConstraint("fundraiser_id", "donor", name=op.f("pk_fundraiser_donor")),
    )
    with op.batch_alter_table("donation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.String(length=8), server_default="stripe", nullable=False))
        batch_op.create_check_constraint(op.f("ck_donation_source"), "source IN ('stripe', 'offline')")
        batch_op.drop_index("ix_donation_fundraiser_id_status")
        batch_op.create_index(
            "ix_donation_fundraiser_id_status_created_at", ["fundraiser_id", "status", "created_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_donation_largest", ["fundraiser_id", "status", "anonymous", "amount_minor"], unique=False
        )
        batch_op.create_index("ix_donation_fundraiser_id_created_at", ["fundraiser_id", "created_at", "id"], unique=False)
    op.execute(TALLIES)
    op.execute(DONORS)
