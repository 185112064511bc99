"""The catalogue of requirements as forms offer it: by kind, checks by country, and the courses of this site."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from flask_babel.speaklater import LazyString

from app.core.forms import SelectChoice
from app.core.i18n import _
from app.core.templating import country
from app.learning.courses.queries import list_offered
from app.safeguarding.kinds import KINDS, TRAINING, Kind
from app.safeguarding.requirements import Requirement, parse


@dataclasses.dataclass(frozen=True)
class Option:
    """One requirement to choose; `slug` as a profile writes it."""

    slug: str
    name: str


Groups = list[tuple[str, list[Option]]]


def list_courses() -> list[Option]:
    """The courses of this site that can be required, by title, in one statement. Whoever passed one and shares that meets it;
    of levels that the catalogue has too, what an organization recorded itself does as well."""
    return [Option(str(Requirement(TRAINING.code, course.level)), course.title) for course in list_offered()]


def list_options(
    home: str | None = None, *, without: Iterable[str] = (), courses: Iterable[Option] = (), asked: Iterable[str] = ()
) -> Groups:
    """Everything that can be required, in groups; the checks of the country `home` (ISO) come first. `without`: kinds that
    make no sense here; `courses`: of this site; `asked`: what is required now, which stays on offer (a course may be retired
    meanwhile)."""
    left_out = frozenset(without)
    here = list(courses)
    groups = ([(_("Training: courses on this site"), here)] if here else []) + _catalogued(home, left_out, here)
    known = {option.slug for _group, options in groups for option in options}
    others = [Option(slug, _name(slug)) for slug in sorted(set(asked) - known)]
    return groups + ([(_("Required now"), others)] if others else [])


def _catalogued(home: str | None, left_out: frozenset[str], courses: list[Option]) -> Groups:
    found: Groups = []
    plain = [kind for kind in KINDS if not kind.levels and kind.code not in left_out]
    found.append((_("Identity, references and fitness"), [Option(kind.code, str(kind.name)) for kind in plain]))
    taken = {option.slug for option in courses}
    for kind in KINDS:
        if kind.levels and kind.code not in left_out:
            for group, options in _levels_of(kind, home):
                found.append((group, [option for option in options if option.slug not in taken]))
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


def list_names(courses: Iterable[Option] = (), asked: Iterable[str] = ()) -> dict[str, str]:
    """Every requirement as people read it, by how a profile writes it: of the catalogue, of `courses`, and what is `asked`
    already."""
    slugs = [*(slug for slug, _lazy in every_choice()), *(option.slug for option in courses), *asked]
    return {slug: _name(slug) for slug in slugs}


def _codes(kind: Kind) -> list[str]:
    return [level.code for level in kind.levels] or [""]


def _name(slug: str) -> str:
    return parse([slug])[0].name


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
