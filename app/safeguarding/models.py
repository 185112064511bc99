"""Tables of what decides who may be placed where. No table holds a document (G3)."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.accounts.models import Person
from app.core.clock import local_date
from app.core.db import Base, HasId
from app.core.i18n import _
from app.learning.courses.models import CourseVersion
from app.organizations.models import Organization
from app.safeguarding.kinds import KINDS

KIND_CODES = tuple(kind.code for kind in KINDS)
OUTCOMES = ("accepted", "declined")
GUARDIANSHIP_STATUSES = ("asked", "consented", "declined", "withdrawn", "replaced")
CONDUCT = "code_of_conduct"
# Kept as the reason of what a later clearance ended that was not accepted; said at the read (Clearance.why_revoked).
LATER_DECLINED = "later_declined"
MEANS = ("in_person", "telephone", "video")


class Clearance(HasId, Base):
    """The recorded fact that a person holds a requirement: level, who issued it, under which reference, who verified it,
    dates and outcome (G3). Never the document, and no text about the person.

    `organization_id` None: the platform itself recorded it, by rule and by nobody's word: the person passed a course of it
    (`course_version`). It is theirs, and counts with the organizations they share it with.
    """

    __tablename__ = "clearance"
    __table_args__ = (
        sa.CheckConstraint(f"kind IN {KIND_CODES}", name="kind"),
        sa.CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        sa.CheckConstraint("expires_on IS NULL OR expires_on >= issued_on", name="dates"),
        # Nobody vouches for themselves; a code of conduct is accepted by the person alone.
        sa.CheckConstraint(
            "kind = 'code_of_conduct' OR recorded_by_id IS NULL OR recorded_by_id != person_id", name="by_another"
        ),
        sa.Index("ix_clearance_person_id_kind", "person_id", "kind"),
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    organization_id: Mapped[int | None] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(32))
    level: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    # Who gave it: the authority, the trainer, the referee.
    issuer: Mapped[str] = mapped_column(sa.String(120), default="", server_default="")
    reference: Mapped[str] = mapped_column(sa.String(80), default="", server_default="")
    outcome: Mapped[str] = mapped_column(sa.String(16), default="accepted", server_default="accepted")
    issued_on: Mapped[dt.date]
    # The last day on which it holds; None: until it is revoked.
    expires_on: Mapped[dt.date | None]
    # When the person agreed to the check, told of their right to challenge it, where the law asks for that first.
    consented_on: Mapped[dt.date | None]
    course_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("course_version.id"))
    recorded_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]
    revoked_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    revoked_reason: Mapped[str] = mapped_column(sa.String(300), default="", server_default="")
    # What the person says is wrong with it; staff answer by correcting or revoking it.
    objection: Mapped[str] = mapped_column(sa.String(500), default="", server_default="")
    objected_at: Mapped[dt.datetime | None]
    # From this day on the row is deleted (G3). None while it holds without an end.
    purge_on: Mapped[dt.date | None] = mapped_column(index=True)

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    organization: Mapped[Organization | None] = relationship()
    course_version: Mapped[CourseVersion | None] = relationship()
    recorded_by: Mapped[Person | None] = relationship(foreign_keys=[recorded_by_id])

    def dated_on(self, zone: str) -> dt.date:
        """The day that people read as its date, in the IANA time zone `zone`. What came about here at one moment, by passing
        a course or accepting a code, is dated by that moment; `issued_on` is then the earliest day anywhere, so that it
        holds from the first minute on and is never good for a day too long (G1). Everything else has the day on its paper."""
        if self.course_version_id is None and self.kind != "code_of_conduct":
            return self.issued_on
        return local_date(self.created_at, zone)

    @property
    def why_revoked(self) -> str:
        """The reason in the reader's language where it is ours, else as staff wrote it."""
        return _("A later one was not accepted.") if self.revoked_reason == LATER_DECLINED else self.revoked_reason

    @property
    def can_be_shared(self) -> bool:
        """False for a code of conduct: it is one organization's, and whoever accepted it has accepted no other one's (G1)."""
        return self.kind != CONDUCT

    @property
    def is_outdated(self) -> bool:
        """True when it is of a version of a course that does not count any more: a newer one asks everybody again."""
        version = self.course_version
        return version is not None and version.number < version.course.counts_from


class ClearanceShare(Base):
    """The person lets another organization rely on a clearance; withdrawn by deleting the row."""

    __tablename__ = "clearance_share"

    clearance_id: Mapped[int] = mapped_column(sa.ForeignKey("clearance.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True, index=True)
    consented_at: Mapped[dt.datetime]

    organization: Mapped[Organization] = relationship()


class Exemption(HasId, Base):
    """One requirement is waived for one person in one organization: dated, reasoned, and by two people, neither of them
    the person. It holds once the second agreed, and never counts for G2."""

    __tablename__ = "exemption"
    __table_args__ = (
        sa.CheckConstraint(f"kind IN {KIND_CODES}", name="kind"),
        sa.CheckConstraint("ends_on >= starts_on", name="dates"),
        sa.CheckConstraint("agreed_by_id IS NULL OR agreed_by_id != asked_by_id", name="two_people"),
        sa.CheckConstraint(
            "asked_by_id != person_id AND (agreed_by_id IS NULL OR agreed_by_id != person_id)", name="not_ones_own"
        ),
        sa.Index("ix_exemption_person_id_organization_id", "person_id", "organization_id"),
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(32))
    level: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    reason: Mapped[str] = mapped_column(sa.String(500))
    starts_on: Mapped[dt.date]
    ends_on: Mapped[dt.date]
    asked_by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    asked_at: Mapped[dt.datetime]
    agreed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    agreed_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    organization: Mapped[Organization] = relationship()
    asked_by: Mapped[Person] = relationship(foreign_keys=[asked_by_id])
    agreed_by: Mapped[Person | None] = relationship(foreign_keys=[agreed_by_id])


class RequirementProfile(Base):
    """What an organization requires of everybody on each of its shifts with contact. Written as in `requirements`."""

    __tablename__ = "requirement_profile"

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True)
    requirements: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    updated_at: Mapped[dt.datetime]

    organization: Mapped[Organization] = relationship()


class ConductVersion(Base):
    """A version of an organization's code of conduct. The latest is asked for; a new one asks everybody again (G1)."""

    __tablename__ = "conduct_version"

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    published_at: Mapped[dt.datetime]
    published_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))

    organization: Mapped[Organization] = relationship()


class ContactPermission(Base):
    """The level of verification at which an organization may ask people to contact with children or adults at risk. It
    holds once a second, different moderator agreed (G3)."""

    __tablename__ = "contact_permission"
    __table_args__ = (
        sa.CheckConstraint("second_by_id IS NULL OR second_by_id != first_by_id", name="two_moderators"),
        sa.CheckConstraint("(second_by_id IS NULL) = (second_at IS NULL)", name="second"),
    )

    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True)
    first_by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    first_at: Mapped[dt.datetime]
    second_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    second_at: Mapped[dt.datetime | None]

    organization: Mapped[Organization] = relationship()


class Guardianship(HasId, Base):
    """Somebody answers for a minor (G4). They are asked at an address of their own, and nothing is done before they agree;
    they may take it back at any time. At most one is asked or has agreed at a time."""

    __tablename__ = "guardianship"
    __table_args__ = (
        sa.CheckConstraint(f"status IN {GUARDIANSHIP_STATUSES}", name="status"),
        sa.CheckConstraint("email = lower(email)", name="email_lower"),
        sa.Index(
            "uq_guardianship_live",
            "person_id",
            unique=True,
            sqlite_where=sa.text("status IN ('asked', 'consented')"),
            postgresql_where=sa.text("status IN ('asked', 'consented')"),
        ),
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    email: Mapped[str] = mapped_column(sa.String(254), index=True)
    phone: Mapped[str] = mapped_column(sa.String(40), default="", server_default="")
    status: Mapped[str] = mapped_column(sa.String(16), default="asked", server_default="asked")
    created_at: Mapped[dt.datetime]
    answered_at: Mapped[dt.datetime | None]
    withdrawn_at: Mapped[dt.datetime | None]

    person: Mapped[Person] = relationship()


class GuardianShare(Base):
    """A minor lets an organization speak to their guardian: its owners and managers see name and telephone. Withdrawn by
    deleting the row; it goes with the guardian."""

    __tablename__ = "guardian_share"

    guardianship_id: Mapped[int] = mapped_column(sa.ForeignKey("guardianship.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True, index=True)
    consented_at: Mapped[dt.datetime]

    organization: Mapped[Organization] = relationship()


class GuardianConfirmation(Base):
    """Staff of an organization spoke to the guardian by a second means, other than the mail that asked (G4)."""

    __tablename__ = "guardian_confirmation"
    __table_args__ = (sa.CheckConstraint(f"means IN {MEANS}", name="means"),)

    guardianship_id: Mapped[int] = mapped_column(sa.ForeignKey("guardianship.id"), primary_key=True)
    organization_id: Mapped[int] = mapped_column(sa.ForeignKey("organization.id"), primary_key=True, index=True)
    means: Mapped[str] = mapped_column(sa.String(16))
    confirmed_by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    confirmed_at: Mapped[dt.datetime]

    guardianship: Mapped[Guardianship] = relationship()
    organization: Mapped[Organization] = relationship()
