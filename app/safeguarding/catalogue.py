"""The catalogue of requirements as forms offer it: by kind, and checks by country."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from flask_babel.speaklater import LazyString
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than the stubs

from app.core.i18n import _
from app.core.templating import country
from app.safeguarding.kinds import KINDS, Kind
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
            _("%(kind)s: %(country)s", kind=str(kind.name), country=country(code))
            if code is not None
            else _("%(kind)s: elsewhere", kind=str(kind.name))
            if len(by_country) > 1
            else str(kind.name),
            by_country[code],
        )
        for code in codes
    ]


# What a single task may ask besides: a check is asked of everybody on a need or with an organization, not of one task.
OF_A_TASK = tuple(
    str(Requirement(kind.code, level))
    for kind in KINDS
    if kind.code != "background_check"
    for level in ([each.code for each in kind.levels] or ("",))
)


def every_choice() -> list[tuple[str, LazyString]]:
    """Every requirement and its name, which is translated when it is shown."""
    slugs = [str(Requirement(kind.code, level)) for kind in KINDS for level in _codes(kind)]
    return [(slug, LazyString(_name, slug)) for slug in slugs]


def list_names() -> dict[str, str]:
    """Every requirement as people read it, by how a profile writes it."""
    return {slug: str(name) for slug, name in every_choice()}


def _codes(kind: Kind) -> list[str]:
    return [level.code for level in kind.levels] or [""]


def _name(slug: str) -> str:
    kind, _colon, level = slug.partition(":")
    return Requirement(kind, level).name


def list_choices(
    home: str | None = None, *, without: Iterable[str] = (), names: Mapping[str, str] | None = None
) -> list[SelectChoice]:
    """The same for a select, in option groups, after an empty one. A requirement reads in full: its group is not heard when
    it is chosen. `names` are other names by how a profile writes it."""
    found = [SelectChoice("", _("Choose"))]
    for group, options in list_options(home, without=without):
        for option in options:
            found.append(SelectChoice(option.slug, (names or {}).get(option.slug, _name(option.slug)), optgroup=group))
    return found
