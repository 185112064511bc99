"""What two fundraisers of Lantern House show besides their gifts: a team, its sponsor, its news, gifts in person."""

from __future__ import annotations

from typing import Any

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
