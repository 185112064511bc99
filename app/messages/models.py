"""Tables of what people chose about their mail."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.messages.kinds import AT_ONCE, DAILY, NEVER

# Evening to morning, on the clock of whoever is written to.
USUAL_QUIET = (21 * 60, 8 * 60)


class MailPreference(Base):
    """What one person chose about one kind of mail. No row: the kind's default."""

    __tablename__ = "mail_preference"
    __table_args__ = (sa.CheckConstraint(f"choice IN {(AT_ONCE, DAILY, NEVER)}", name="choice"),)

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    choice: Mapped[str] = mapped_column(sa.String(16))


class QuietHours(Base):
    """Between which minutes of their day a person wants no mail that can wait; the same twice: none. No row: the usual."""

    __tablename__ = "quiet_hours"
    __table_args__ = (
        sa.CheckConstraint("begins BETWEEN 0 AND 1439 AND ends BETWEEN 0 AND 1439", name="minutes_of_a_day"),
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    begins: Mapped[int]
    ends: Mapped[int]
