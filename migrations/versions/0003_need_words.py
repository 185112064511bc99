"""the words of needs: full text of each engine's own kind, and PostgreSQL's covering index for the nearest list

Revision: 0003, after 0002.
"""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE need_text_words USING fts5"
            " (words, tags, tokenize = 'unicode61 remove_diacritics 0', columnsize = 0)"
        )
        return
    op.execute(
        "CREATE TABLE need_text_words ("
        " number bigint PRIMARY KEY REFERENCES need_text (number) ON DELETE CASCADE,"
        " lexemes tsvector NOT NULL)"
    )
    op.execute("CREATE INDEX ix_need_text_words_lexemes ON need_text_words USING gin (lexemes)")
    # SQLite keeps need_cell clustered by its key; here the key's order needs an index that answers alone.
    op.execute(
        "CREATE INDEX need_cell_best ON need_cell (skill, cell, rank, need_id)"
        " INCLUDE (number, starts, urgency, x, y, z, wants, causes, remote)"
    )


def downgrade() -> None:
    op.execute("DROP TABLE need_text_words")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP INDEX need_cell_best")
