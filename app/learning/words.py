"""What the kinds, states and audiences of what can be learned are called."""

from __future__ import annotations

from typing import Any

from app.core.i18n import lazy

KIND_NAMES: dict[str, Any] = {"article": lazy("Article"), "fact": lazy("Fact"), "question": lazy("Question")}
KINDS_OF_THEM: dict[str, Any] = {
    "article": lazy("Articles"),
    "fact": lazy("Facts"),
    "question": lazy("Questions and answers"),
}
STATUS_NAMES: dict[str, Any] = {
    "draft": lazy("Draft"),
    "published": lazy("Published"),
    "verified": lazy("Verified"),
    "contested": lazy("Contested"),
    "withdrawn": lazy("Withdrawn"),
}
AUDIENCE_NAMES: dict[str, Any] = {
    "everyone": lazy("For everyone"),
    "supporters": lazy("For supporters"),
    "organizations": lazy("For organizations"),
    "parents": lazy("For parents"),
}
# The fields of a version, as its history names them.
FIELD_NAMES: dict[str, Any] = {
    "title": lazy("Title"),
    "summary": lazy("Summary"),
    "body": lazy("Text"),
    "left_out": lazy("What we left out, and why"),
    "audience": lazy("Audience"),
    "claim": lazy("Claim"),
    "note": lazy("How well it is known"),
    "question": lazy("Question"),
    "answer": lazy("Answer"),
    "status": lazy("State"),
    "withdrawn_because": lazy("Why it was withdrawn"),
    "sensitive": lazy("Speaks of abuse or disaster"),
    "checked_by": lazy("Checked by"),
    "checked_on": lazy("Checked on"),
    "topic": lazy("Topic"),
    "replaced_by": lazy("Replaced by"),
}
