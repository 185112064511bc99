"""What can be followed: an organization or a fundraiser that the public may see, or a topic."""

from __future__ import annotations

import dataclasses
from typing import Any

from app.fundraisers.models import Fundraiser
from app.fundraisers.policy import is_visible
from app.learning.models import Topic
from app.organizations.models import Organization

_PATHS = {"organization": "/organizations", "topic": "/learn/topics", "fundraiser": "/fundraisers"}


@dataclasses.dataclass(frozen=True)
class Subject:
    """An organization, a fundraiser or a topic as pages, mails and feeds name it. `zone` is the clock of its place; None
    without one."""

    kind: str
    id: int
    slug: str
    name: str
    is_public: bool
    zone: str | None

    @property
    def path(self) -> str:
        """Its public page."""
        return f"{_PATHS[self.kind]}/{self.slug}"

    @property
    def feed_path(self) -> str:
        """Its feeds, without their ending; "" where there are none."""
        return {"organization": f"{self.path}/needs", "topic": self.path}.get(self.kind, "")

    @property
    def follow_path(self) -> str:
        """The page where it is followed."""
        return f"/follow/{self.kind}s/{self.slug}"

    @property
    def columns(self) -> dict[str, int | None]:
        """Itself as the columns of a row that points at one of them."""
        return {f"{kind}_id": self.id if self.kind == kind else None for kind in _PATHS}


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


def of_fundraiser(fundraiser: Fundraiser) -> Subject:
    """The fundraiser as something to follow; what the public may not see says nothing (F8)."""
    zone = fundraiser.organization.time_zone
    return Subject("fundraiser", fundraiser.id, fundraiser.slug, fundraiser.title, is_visible(fundraiser), zone)


def subject_of(row: Any) -> Subject:
    """What a follow or a request points at."""
    if row.fundraiser is not None:
        return of_fundraiser(row.fundraiser)
    return of_organization(row.organization) if row.organization is not None else of_topic(row.topic)
