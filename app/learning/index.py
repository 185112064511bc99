"""The words of articles, facts and questions for full text, each under its row's own id. Written with the row; what is
shown of a match is read from the rows themselves, so that a fact withdrawn is withdrawn at the next request."""

from __future__ import annotations

from app.core import search
from app.core.db import db
from app.learning.marks import plain_words
from app.learning.models import Article, Fact, Question

WORDS = search.TextIndex("learn_words")


def words_of(row: Article | Fact | Question) -> list[str]:
    """Everything by which it is found."""
    if isinstance(row, Article):
        parts = [row.title, row.summary, plain_words(row.body), plain_words(row.left_out)]
    elif isinstance(row, Fact):
        parts = [row.claim, row.note, *(f"{source.publisher} {source.title}" for source in row.sources)]
    else:
        parts = [row.question, plain_words(row.answer)]
    return search.words(" ".join(parts))


def reindex(row: Article | Fact | Question) -> None:
    """Bring the words to what the row says, in the transaction that changed it."""
    db.session.flush()
    WORDS.remove([row.id])
    document = search.Document(row.id, words_of(row), ())
    search.insert_rows(WORDS.table, WORDS.columns(), [WORDS.row(document)])
