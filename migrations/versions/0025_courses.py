"""Courses in versions, what people answer, and which clearance is of which version.

Revision: 0025, after 0024.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "course",
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("counts_from", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course")),
        sa.UniqueConstraint("slug", name=op.f("uq_course_slug")),
    )
    op.create_table(
        "course_version",
        sa.Column("course_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="draft", nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("summary", sa.String(length=300), nullable=False),
        sa.Column("audience", sa.String(length=300), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("pass_mark", sa.Integer(), nullable=False),
        sa.Column("validity_months", sa.Integer(), nullable=False),
        sa.Column("checked_on", sa.Date(), nullable=False),
        sa.Column("checked_by", sa.String(length=120), nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("asks_again", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.CheckConstraint("(status = 'draft') = (published_at IS NULL)", name=op.f("ck_course_version_published")),
        sa.CheckConstraint("status IN ('draft', 'published')", name=op.f("ck_course_version_status")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_course_version_number")),
        sa.CheckConstraint("pass_mark BETWEEN 1 AND 100", name=op.f("ck_course_version_pass_mark")),
        sa.CheckConstraint("validity_months BETWEEN 1 AND 24", name=op.f("ck_course_version_validity")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_course_version_course_id_course")),
        sa.ForeignKeyConstraint(
            ["published_by_id"], ["person.id"], name=op.f("fk_course_version_published_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_version")),
        sa.UniqueConstraint("course_id", "number", name=op.f("uq_course_version_course_id_number")),
    )
    op.create_table(
        "course_attempt",
        sa.Column("course_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("right_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("passed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("came_for_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("came_from", sa.String(length=200), server_default="", nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.CheckConstraint("passed = false OR finished_at IS NOT NULL", name=op.f("ck_course_attempt_passed")),
        sa.ForeignKeyConstraint(
            ["came_for_id"], ["organization.id"], name=op.f("fk_course_attempt_came_for_id_organization")
        ),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_course_attempt_course_id_course")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_course_attempt_person_id_person")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["course_version.id"], name=op.f("fk_course_attempt_version_id_course_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_attempt")),
    )
    with op.batch_alter_table("course_attempt", schema=None) as batch_op:
        batch_op.create_index("ix_course_attempt_person_id_course_id", ["person_id", "course_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_course_attempt_version_id"), ["version_id"], unique=False)
        batch_op.create_index(
            "uq_course_attempt_open",
            ["person_id", "course_id"],
            unique=True,
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )

    op.create_table(
        "course_source",
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("publisher", sa.String(length=160), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("taken", sa.String(length=300), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["course_version.id"], name=op.f("fk_course_source_version_id_course_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_source")),
        sa.UniqueConstraint("version_id", "position", name=op.f("uq_course_source_version_id_position")),
    )
    op.create_table(
        "lesson",
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["course_version.id"], name=op.f("fk_lesson_version_id_course_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson")),
        sa.UniqueConstraint("version_id", "position", name=op.f("uq_lesson_version_id_position")),
    )
    op.create_table(
        "lesson_question",
        sa.Column("lesson_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=400), nullable=False),
        sa.Column("explanation", sa.String(length=600), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["lesson_id"], ["lesson.id"], name=op.f("fk_lesson_question_lesson_id_lesson")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson_question")),
        sa.UniqueConstraint("lesson_id", "position", name=op.f("uq_lesson_question_lesson_id_position")),
    )
    op.create_table(
        "lesson_source",
        sa.Column("lesson_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["lesson_id"], ["lesson.id"], name=op.f("fk_lesson_source_lesson_id_lesson")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["course_source.id"], name=op.f("fk_lesson_source_source_id_course_source")
        ),
        sa.PrimaryKeyConstraint("lesson_id", "source_id", name=op.f("pk_lesson_source")),
    )
    op.create_table(
        "lesson_option",
        sa.Column("question_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("is_right", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["question_id"], ["lesson_question.id"], name=op.f("fk_lesson_option_question_id_lesson_question")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson_option")),
        sa.UniqueConstraint("question_id", "position", name=op.f("uq_lesson_option_question_id_position")),
    )
    with op.batch_alter_table("lesson_option", schema=None) as batch_op:
        batch_op.create_index(
            "uq_lesson_option_right",
            ["question_id"],
            unique=True,
            sqlite_where=sa.text("is_right"),
            postgresql_where=sa.text("is_right"),
        )

    op.create_table(
        "course_answer",
        sa.Column("attempt_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("question_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("option_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"],
            ["course_attempt.id"],
            name=op.f("fk_course_answer_attempt_id_course_attempt"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["option_id"], ["lesson_option.id"], name=op.f("fk_course_answer_option_id_lesson_option")
        ),
        sa.ForeignKeyConstraint(
            ["question_id"], ["lesson_question.id"], name=op.f("fk_course_answer_question_id_lesson_question")
        ),
        sa.PrimaryKeyConstraint("attempt_id", "question_id", name=op.f("pk_course_answer")),
    )
    with op.batch_alter_table("clearance", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("course_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_clearance_course_version_id_course_version"), "course_version", ["course_version_id"], ["id"]
        )


def downgrade() -> None:
    with op.batch_alter_table("clearance", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_clearance_course_version_id_course_version"), type_="foreignkey")
        batch_op.drop_column("course_version_id")

    op.drop_table("course_answer")
    with op.batch_alter_table("lesson_option", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_lesson_option_right", sqlite_where=sa.text("is_right"), postgresql_where=sa.text("is_right")
        )

    op.drop_table("lesson_option")
    op.drop_table("lesson_source")
    op.drop_table("lesson_question")
    op.drop_table("lesson")
    op.drop_table("course_source")
    with op.batch_alter_table("course_attempt", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_course_attempt_open",
            sqlite_where=sa.text("finished_at IS NULL"),
            postgresql_where=sa.text("finished_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_course_attempt_version_id"))
        batch_op.drop_index("ix_course_attempt_person_id_course_id")

    op.drop_table("course_attempt")
    op.drop_table("course_version")
    op.drop_table("course")
