"""Every write about what can be learned, one function per use case."""

from app.learning.operations.articles import add_article, edit_article
from app.learning.operations.facts import add_fact, edit_fact
from app.learning.operations.inputs import ArticleInput, FactInput, QuestionInput, SourceInput
from app.learning.operations.questions import add_question, edit_question
from app.learning.operations.signposts import record_signpost_check
from app.learning.operations.standing import renew, restore, withdraw
from app.learning.operations.topics import save_topic

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
