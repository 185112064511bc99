"""Topics."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import InvalidInput
from app.learning.models import Topic
from app.learning.operations.inputs import slug_error


def save_topic(slug: str, *, title: str, summary: str, position: int) -> Topic:
    """The topic with this slug, new or changed. Raises InvalidInput at "slug"."""
    if error := slug_error(slug):
        raise InvalidInput({"slug": error})
    topic = db.session.scalar(sa.select(Topic).where(Topic.slug == slug))
    if topic is None:
        topic = Topic(slug=slug)
        db.session.add(topic)
    topic.title, topic.summary, topic.position = title, summary, position
    db.session.flush()
    return topic
