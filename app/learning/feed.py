"""What was published, changed and withdrawn, as entries of feeds: of all that can be learned, and of one topic."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.feeds import Entry, Feed
from app.core.i18n import _
from app.core.paging import EPOCH
from app.learning.queries import Changed

_PATHS = {"article": "/learn/", "fact": "/learn/facts/", "question": "/learn/questions/"}


def path_of(kind: str, slug: str) -> str:
    """The path of the page of an article, a fact or a question."""
    return _PATHS[kind] + slug


def entry_of(row: Changed) -> Entry:
    """What a feed says of it. What was withdrawn stays in the feed and says so, because readers keep what they fetched before.
    Of what speaks of abuse or disaster a feed tells no more than a mail: no summary, and the claim of such a fact is on its
    page only, because nothing can be folded behind a warning in either (G13)."""
    words = {"contested": _("Contested"), "verified": _("Verified"), "published": "", "withdrawn": _("Withdrawn")}
    withdrawn, title, said = row.status == "withdrawn", row.title, row.summary
    if withdrawn:
        said = row.withdrawn_because
    elif row.sensitive:
        said = _("Speaks of abuse or disaster")
    if row.sensitive and row.kind == "fact":
        title = _("A fact that speaks of abuse or disaster (%(topic)s)", topic=row.topic_title)
        said = _("Why is said on its page") if withdrawn else ""
    if withdrawn:
        title = _("Withdrawn: %(title)s", title=title)
    summary = ". ".join(part for part in (words[row.status], said) if part)
    return Entry(path_of(row.kind, row.slug), title, summary, None, row.updated_at, (row.topic,))


def feed_of(rows: Sequence[Changed], *, base_url: str, site: str, language: str) -> Feed:
    """The feed of everything; `rows` with the latest change first."""
    return Feed(
        path="/learn",
        page="/learn",
        title=_("%(site)s: what changed in Learn", site=site),
        author=site,
        changed=max((row.updated_at for row in rows), default=EPOCH),
        base_url=base_url,
        language=language,
    )
