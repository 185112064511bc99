"""What two fundraisers of Lantern House show besides their gifts: a team, its sponsor, its news, gifts in person. And
two pages of its own: one that has ended, and one without an end, with what becomes of gifts."""

from __future__ import annotations

from typing import Any

from app.pages.demo_data.shape import DemoFundraiser, DemoGift, DemoRefund

BEDS: dict[str, Any] = {
    "is_team": True,
    "item_name": "blankets",
    "item_minor": 2_500,
    "sponsor": "Corner Street Bakery",
    "sponsor_minor": 50_000,
    "in_person": (("The coffee tin at the front desk", 31_000, True),),
    "picture": "lantern",
    "updates": (
        (
            "The boiler is checked",
            "It holds until spring, says the engineer. **Forty** blankets are ordered.",
            9,
        ),
        ("Half of the blankets are here", "Twenty are on twenty beds. Thank you all.", 3),
    ),
}
RUN: dict[str, Any] = {
    "of_team": "Beds and heating for the winter",
    "in_person": (("Bake sale of the night shift", 4_500, False),),
    "updates": (("Mile nine", "I ran nine miles today, and walked none of them.", 2),),
}

BREAKFAST = DemoFundraiser(
    "Breakfast for forty, every day",
    "Oatmeal, fruit, eggs on Sundays. Forty people sit down at seven, children first. $15 a month feeds one person "
    "on three mornings.\n\nThis page has no end: breakfast has none either.",
    900_000,
    "olive",
    ago=100,
    days=None,
    gifts=(
        DemoGift("Kwame Asante", 1_500, 97, "Oatmeal got me through college.", monthly=True),
        DemoGift("Saint Columba Choir", 18_000, 80, "From the collection after the concert."),
        DemoGift("Ines Caldeira", 2_500, 71, anonymous=True, monthly=True),
        DemoGift("Peter Novak", 4_000, 64, back=DemoRefund(4_000, 62, "duplicate", "He had given the same by check")),
        DemoGift("Joan Whitaker", 1_000, 58, monthly=True, monthly_end="stopped"),
        DemoGift("Bloomfield Laundromat", 12_000, 45, dispute=(30, "won")),
        DemoGift("Miguel Santos", 3_000, 33.5, monthly=True, monthly_end="declined"),
        DemoGift(
            "Agnes Doyle",
            6_000,
            21,
            anonymous=True,
            back=DemoRefund(3_000, 16, "requested_by_customer", "She had meant to give half of it", fails=True),
        ),
        DemoGift("Lev Abramov", 9_500, 12, dispute=(4, "open")),
    ),
)

WASHING_MACHINE = DemoFundraiser(
    "A washing machine that keeps up",
    "Forty beds make eleven loads a day. The old machine managed six.",
    120_000,
    "olive",
    ago=40,
    days=60,
    ended=True,
    outcome="The goal is reached and the machine is ordered. From next week on it does eleven loads between "
    "breakfast and supper. Thank you, all five of you; the last $75 go into detergent.",
    gifts=(
        DemoGift("Rosa Delgado", 5_000, 38, "For the eleventh load.", first="rosa"),
        DemoGift("Kowalczyk family", 25_000, 33),
        DemoGift("Bloomfield Laundromat", 75_000, 20, "From one laundry to another."),
        DemoGift("Nell Archer", 20_000, 9, anonymous=True),
        DemoGift("Sam Whitfield", 2_500, 1, first="sam"),
    ),
)
