"""The catalogue of requirements as forms offer it: by kind, and checks by country."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than the stubs

from app.core.i18n import _
from app.core.templating import country
from app.safeguarding.kinds import KINDS, Kind, find_kind
from app.safeguarding.requirements import Requirement


@dataclasses.dataclass(frozen=True)
class Option:
    """One requirement to choose; `slug` as a profile writes it."""

    slug: str
    name: str


Groups = list[tuple[str, list[Option]]]


def list_options(home: str | None = None, *, without: Iterable[str] = ()) -> Groups:
    """Everything that can be required, in groups; the checks of the country `home` (ISO) come first. `without`: kinds that
    make no sense here."""
    left_out = frozenset(without)
    found: Groups = []
    plain = [kind for kind in KINDS if not kind.levels and kind.code not in left_out]
    found.append((_("Identity, references and fitness"), [Option(kind.code, str(kind.name)) for kind in plain]))
    for kind in KINDS:
        if kind.levels and kind.code not in left_out:
            found += _levels_of(kind, home)
    return found


def _levels_of(kind: Kind, home: str | None) -> Groups:
    by_country: dict[str | None, list[Option]] = {}
    for level in kind.levels:
        option = Option(str(Requirement(kind.code, level.code)), str(level.name))
        by_country.setdefault(level.country, []).append(option)
    codes = sorted(by_country, key=lambda code: (code != home, code is None))
    return [
        (
            str(kind.name) if code is None else _("%(kind)s: %(country)s", kind=str(kind.name), country=country(code)),
            by_country[code],
        )
        for code in codes
    ]


def list_choices(home: str | None = None, *, without: Iterable[str] = ()) -> list[SelectChoice]:
    """The same for a select, in option groups, after an empty one. A requirement reads in full: its group is not heard when
    it is chosen."""
    found = [SelectChoice("", _("Choose"))]
    for group, options in list_options(home, without=without):
        for option in options:
            kind, _colon, level = option.slug.partition(":")
            catalogued = find_kind(kind)
            name = Requirement(kind, level).name if catalogued is not None and catalogued.levels else option.name
            found.append(SelectChoice(option.slug, name, optgroup=group))
    return found
