"""What can be followed: an organization that the public may see, or a topic."""

from __future__ import annotations

import dataclasses
from typing import Any

from app.learning.models import Topic
from app.organizations.models import Organization


@dataclasses.dataclass(frozen=True)
class Subject:
    """An organization or a topic as pages, mails and feeds name it. `zone` is the clock of its place; None without one."""

    kind: str
    id: int
    slug: str
    name: str
    is_public: bool
    zone: str | None

    @property
    def path(self) -> str:
        """Its public page."""
        return f"/organizations/{self.slug}" if self.kind == "organization" else f"/learn/topics/{self.slug}"

    @property
    def feed_path(self) -> str:
        """Its feeds, without their ending."""
        return f"{self.path}/needs" if self.kind == "organization" else self.path

    @property
    def follow_path(self) -> str:
        """The page where it is followed."""
        return f"/follow/organizations/{self.slug}" if self.kind == "organization" else f"/follow/topics/{self.slug}"

    @property
    def columns(self) -> dict[str, int | None]:
        """Itself as the two columns of a row that points at one of them."""
        is_organization = self.kind == "organization"
        return {
            "organization_id": self.id if is_organization else None,
            "topic_id": None if is_organization else self.id,
        }


def of_organization(organization: Organization) -> Subject:
    """The organization as something to follow; not public, it is not shown and says nothing (N1)."""
    return Subject(
        "organization",
        organization.id,
        organization.slug,
        organization.name,
        organization.is_public,
        organization.time_zone,
    )


def of_topic(topic: Topic) -> Subject:
    """The topic as something to follow."""
    return Subject("topic", topic.id, topic.slug, topic.title, True, None)


def subject_of(row: Any) -> Subject:
    """What a follow or a request points at."""
    return of_organization(row.organization) if row.organization is not None else of_topic(row.topic)
