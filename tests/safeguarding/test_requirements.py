"""The catalogue, and what a place asks for in all."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask

from app.accounts.policy import majority_age_at
from app.core.errors import InvalidInput
from app.safeguarding.ages import find_limits, is_adult_on, is_minor_on, majority_age
from app.safeguarding.kinds import CONTACTS_WITH_PEOPLE, KINDS, baseline_check, find_kind, find_level
from app.safeguarding.requirements import MOST, Requirement, check_profile, in_all, meets, parse


def asked(
    *profiles: list[str], contact: str = "none", country: str | None = "US", version: int | None = None
) -> list[str]:
    return [str(each) for each in in_all(profiles, contact=contact, country=country, conduct_version=version)]


def test_the_catalogue_has_every_kind_and_levels_by_country() -> None:
    assert [kind.code for kind in KINDS] == [
        "identity", "background_check", "reference", "training", "code_of_conduct", "driving", "medical",
    ]  # fmt: skip
    checks = find_kind("background_check")
    assert checks is not None
    assert {level.country for level in checks.levels} == {"US", "GB", "CA", "AU", None}
    assert all(kind.retention > dt.timedelta(0) for kind in KINDS)
    for level in checks.levels:
        assert all(find_level("background_check", code) is not None for code in level.includes)


@pytest.mark.rule("G1")
@pytest.mark.parametrize("contact", CONTACTS_WITH_PEOPLE)
@pytest.mark.parametrize("country", ["US", "GB", "CA", "AU", "FR", None])
def test_contact_asks_for_a_check_whatever_the_profiles_say(contact: str, country: str | None) -> None:
    baseline = baseline_check(country, contact)
    assert asked(contact=contact, country=country) == [f"background_check:{baseline}"]
    level = find_level("background_check", baseline)
    assert level is not None
    assert not level.contacts or contact in level.contacts, "the law lets the role ask for it"
    assert asked(["driving"], contact=contact, country=country) == [f"background_check:{baseline}", "driving"]
    both = asked(["background_check:certificate"], contact=contact, country=country)
    assert set(both) == {f"background_check:{baseline}", "background_check:certificate"}, "stricter, never weaker"


def test_without_contact_nothing_is_asked_that_nobody_wrote() -> None:
    assert asked() == asked(contact="not_stated") == []
    assert asked(["driving"], ["identity", "driving"]) == ["driving", "identity"]


def test_what_another_one_includes_is_left_out() -> None:
    wanted = (
        ["background_check:uk_basic"],
        ["background_check:uk_enhanced_children"],
        ["background_check:uk_enhanced_adults"],
    )
    assert asked(*wanted) == ["background_check:uk_enhanced_adults", "background_check:uk_enhanced_children"]


@pytest.mark.rule("G1")
def test_a_code_of_conduct_means_the_latest_version_and_none_is_met_by_nobody() -> None:
    assert asked(["code_of_conduct"], version=3) == ["code_of_conduct:3"]
    assert asked(["code_of_conduct"]) == ["code_of_conduct:0"]
    assert asked(version=3) == []


@pytest.mark.rule("G1")
def test_what_is_not_in_the_catalogue_is_kept_in_the_asking_and_met_by_nobody() -> None:
    [odd] = parse(["astrology:sun"])
    assert asked(["astrology:sun"]) == ["astrology:sun"]
    assert not meets("moon", odd)
    assert odd.name == "astrology"


def test_a_profile_is_sorted_checked_and_bounded() -> None:
    assert check_profile([Requirement("training"), Requirement("identity"), Requirement("training")]) == [
        "identity",
        "training",
    ]
    levels = find_kind("background_check").levels  # type: ignore[union-attr]  # it is there
    many = [Requirement("background_check", level.code) for level in levels] + parse(["identity", "driving", "medical"])
    assert len(many) > MOST
    for wrong in ([Requirement("astrology")], [Requirement("driving", "fast")], many):
        with pytest.raises(InvalidInput) as refused:
            check_profile(wrong)
        assert list(refused.value.errors) == ["requirements"]


@pytest.mark.parametrize(
    ("level", "contacts", "fits"),
    [
        ("uk_enhanced_children", ["children"], True), ("uk_enhanced_children", ["adults_at_risk"], False),
        ("uk_enhanced_adults", ["children"], False), ("uk_standard", ["none"], False), ("uk_basic", ["none"], True),
        ("uk_enhanced", ["children", "none"], False), ("au_children", ["adults_at_risk"], False),
        ("ca_vulnerable_sector", ["none"], False), ("us_fitness", ["none"], True), ("uk_enhanced", [], True),
    ],
)  # fmt: skip
def test_the_law_lets_only_some_roles_ask_for_some_checks(level: str, contacts: list[str], fits: bool) -> None:
    wanted = [Requirement("background_check", level)]
    if fits:
        assert check_profile(wanted, contacts=contacts)
        return
    with pytest.raises(InvalidInput, match="requirements"):
        check_profile(wanted, contacts=contacts)


@pytest.mark.rule("G4")
def test_ages_by_country(app: Flask) -> None:
    birth = dt.date(2008, 3, 1)
    assert [majority_age(country) for country in ("US", "GB", "KR", "TH", "NZ", "SG", None)] == [
        18,
        18,
        19,
        20,
        20,
        21,
        18,
    ]
    assert not is_adult_on(birth, dt.date(2026, 2, 28), majority_age("US"))
    assert is_adult_on(birth, dt.date(2026, 3, 1), majority_age("US"))
    assert is_minor_on(birth, dt.date(2026, 3, 1), majority_age("KR"))
    assert not is_adult_on(None, dt.date(2026, 3, 1), 18)
    assert not is_minor_on(None, dt.date(2026, 3, 1), 18), "unknown is neither"
    later = {
        ("US", "NJ"): 18, ("US", "New Jersey"): 18, ("US", "al"): 19, ("US", "Nebraska"): 19, ("US", "MS"): 21,
        ("US", "PR"): 21, ("US", None): 21, ("US", "The North"): 21, ("CA", "ON"): 18, ("CA", "NS"): 19,
        ("CA", "Québec"): 18, ("CA", "Yukon"): 19, ("CA", ""): 19, ("CA", "NJ"): 19, ("GB", None): 18, ("NZ", "Otago"): 20,
        (None, "AL"): 18,
    }  # fmt: skip
    assert {place: majority_age_at(*place) for place in later} == later
    assert find_limits(dt.date(2012, 3, 1), dt.date(2026, 3, 1), "US").longest == dt.timedelta(hours=3)
    assert find_limits(dt.date(2012, 3, 1), dt.date(2026, 3, 1), "GB").longest == dt.timedelta(hours=2)
    assert find_limits(dt.date(2010, 3, 1), dt.date(2026, 3, 1), "GB").longest == dt.timedelta(hours=8)
    assert find_limits(dt.date(2020, 3, 1), dt.date(2026, 3, 1), "GB").from_age == 13, "whoever is younger has no more"
