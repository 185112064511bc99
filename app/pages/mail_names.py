"""What people wrote themselves, of every length and direction, and the instants and addresses that samples of mails share."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from app.core.i18n import lazy

Values = dict[str, Any]
USUAL, LONG, RIGHT_TO_LEFT, EMPTY, OTHER = "usual", "long", "right-to-left", "empty", "other"
VARIANT_WORDS: dict[str, Any] = {
    USUAL: lazy("As usual"),
    LONG: lazy("Long names"),
    RIGHT_TO_LEFT: lazy("A name from right to left"),
    EMPTY: lazy("Without what may be missing"),
    OTHER: lazy("The other case"),
}


@dataclasses.dataclass(frozen=True)
class Names:
    """What people wrote themselves, of one length and direction."""

    person: str = "Ana Duarte"
    other: str = "Sam Okafor"
    organization: str = "Ironbound Pantry Network"
    need: str = "Sort and pack Thanksgiving boxes"
    position: str = "Driver"
    item: str = "Twin bed sheets"
    quantity: str = "4 sets"
    fundraiser: str = "Forty beds before the frost"
    area: str = "Ironbound, Newark, NJ"
    note: str = "I bring my own gloves."
    reason: str = "The box was wet."


NAMES = {
    USUAL: Names(),
    LONG: Names(
        person="Maria da Conceição Albuquerque de Vasconcelos e Castro Figueiredo",
        other="Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh",
        organization="Coalition of the Neighborhood Associations for Refugee and Immigrant Families of Greater Essex",
        need="Drivers with a van or a pickup to bring 40 beds, mattresses and cribs from the Port Newark warehouse to "
        "three family shelters before the first hard freeze",
        position="Second driver who knows how to strap a load",
        item="Waterproof mattress protectors for twin extra-long beds, machine washable",
        quantity="1,250 boxes of 24",
        fundraiser="Forty beds, mattresses and warm blankets for three family shelters before the first hard freeze",
        area="Vailsburg and the upper end of South Orange Avenue, Newark, New Jersey",
        note="I come by bus from Irvington, so I may be ten minutes late when it snows. "
        "https://example.org/a-very-long-address/that-never-breaks/of-somebody-who-pastes-where-they-come-from",
        reason="Half of the boxes stood in the rain since Sunday, and we may not hand out bedding that has been wet.",
    ),
    RIGHT_TO_LEFT: Names(person="ليلى الحداد", other="נועה בן-דוד", organization="بيت الجيران", position="سائق"),
}
NAMES[EMPTY] = NAMES[OTHER] = NAMES[USUAL]
ZONE = "America/New_York"
START = dt.datetime(2026, 11, 24, 22, 30, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 29)
SITE = "https://example.org"
TOKEN = "WyJwbGVkZ2UiLDE4NDQ2NzQ0MDczXQ.a5vJ0pCkq8fXbX2r1nZ0"  # noqa: S105  # as long as a real one, and opens nothing


@dataclasses.dataclass(frozen=True)
class ShownShift:
    """As much of a shift as mails say."""

    starts_at: dt.datetime | None = START
    ends_at: dt.datetime | None = START + dt.timedelta(hours=3)
    time_zone: str = ZONE
    due_on: dt.date | None = None
