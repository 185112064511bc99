"""Every write about what can be learned, one function per use case."""

from app.learning.operations.inputs import ArticleInput, FactInput, QuestionInput, SourceInput
from app.learning.operations.signposts import record_signpost_check
from app.learning.operations.standing import renew, restore, withdraw
from app.learning.operations.topics import save_topic
from app.learning.operations.writing import (
    add_article,
    add_fact,
    add_question,
    edit_article,
    edit_fact,
    edit_question,
)

__all__ = [
    "ArticleInput",
    "FactInput",
    "QuestionInput",
    "SourceInput",
    "add_article",
    "add_fact",
    "add_question",
    "edit_article",
    "edit_fact",
    "edit_question",
    "record_signpost_check",
    "renew",
    "restore",
    "save_topic",
    "withdraw",
]
