"""What the demonstration is made of: invented organizations and people, in real cities. Amounts of money in minor units,
times in the local time of the place, days from today."""

from __future__ import annotations

import dataclasses
import datetime as dt


@dataclasses.dataclass(frozen=True)
class DemoPerson:
    """Somebody; `shown_as` is what the screen says they are (empty: not shown)."""

    email: str
    name: str
    shown_as: str = ""
    role: str | None = None
    birth_date: dt.date | None = dt.date(1988, 4, 12)
    place: str | None = None
    skills: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class DemoShift:
    """A shift in `days`; who has a place, and how many they bring."""

    days: int
    start: str = "09:00"
    end: str = "12:00"
    capacity: int | None = 6
    name: str = ""
    contact: str = "none"
    minimum_age: int | None = None
    flexible: bool = False
    signups: tuple[tuple[str, int], ...] = ()


@dataclasses.dataclass(frozen=True)
class DemoItem:
    """An item, and who promised how much of it."""

    name: str
    quantity: str | None = None
    unit: str = ""
    priority: str = "normal"
    accepted_condition: str = ""
    do_not_bring: bool = False
    pledges: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class DemoFundraiser:
    """A fundraiser for the need; it waits for approval unless its starter decides."""

    title: str
    story: str
    goal_minor: int
    by: str
    days: int = 40


@dataclasses.dataclass(frozen=True)
class DemoNeed:
    """A need in `status`."""

    title: str
    description: str
    place: str = ""
    address: str | None = None
    private: bool = False
    remote: bool = False
    urgency: str = "normal"
    status: str = "open"
    causes: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    ends_in: int | None = None
    shifts: tuple[DemoShift, ...] = ()
    items: tuple[DemoItem, ...] = ()
    fundraisers: tuple[DemoFundraiser, ...] = ()


@dataclasses.dataclass(frozen=True)
class DemoOrganization:
    """An organization; `verified` says what a moderator checked (empty: it waits)."""

    name: str
    country: str
    place: str
    owner: str
    description: str
    verified: str = ""
    website: str | None = None
    members: tuple[tuple[str, str], ...] = ()
    needs: tuple[DemoNeed, ...] = ()


OLIVE, MARTA, KOFI, VERA = (f"{name}@example.org" for name in ("olive", "marta", "kofi", "vera"))
SAM, AYO, LENA, JUN, NOOR, TOM = (f"{name}@example.org" for name in ("sam", "ayo", "lena", "jun", "noor", "tom"))
BEA, FINN, GITA, HUGO, INES = (f"{name}@example.org" for name in ("bea", "finn", "gita", "hugo", "ines"))

PEOPLE = (
    DemoPerson("moderator@example.org", "Mo Okafor", "moderator", role="moderator"),
    DemoPerson("admin@example.org", "Ada Lindqvist", "administrator", role="administrator"),
    DemoPerson(OLIVE, "Olive Brandt", "owner of Lantern House Family Shelter"),
    DemoPerson(MARTA, "Marta Reyes", "manager of Lantern House Family Shelter"),
    DemoPerson(KOFI, "Kofi Mensah", "coordinator of Lantern House Family Shelter"),
    DemoPerson(VERA, "Vera Novak", "viewer of Lantern House Family Shelter"),
    DemoPerson(SAM, "Sam Whitfield", "supporter in Newark", place="Newark, NJ", skills=("cooking", "driving")),
    DemoPerson(NOOR, "Noor Haddad", "supporter whose birth date is unknown", birth_date=None, place="London, GB"),
    DemoPerson(AYO, "Ayo Bello", place="Newark, NJ", skills=("carpentry",)),
    DemoPerson(LENA, "Lena Hartmann", place="Berlin, DE", skills=("bicycle-repair", "sewing")),
    DemoPerson(JUN, "Jun Park", place="Jersey City, NJ"),
    DemoPerson(TOM, "Tom Okonkwo-Fitzgerald", place="Houston, TX"),
    DemoPerson(BEA, "Bea Santos", "owner of Ironbound Community Pantry"),
    DemoPerson(FINN, "Finn Jansen"),
    DemoPerson(GITA, "Gita Rao"),
    DemoPerson(HUGO, "Hugo Marchand"),
    DemoPerson(INES, "Ines Duarte", "owner of an organization that waits for verification"),
)

ORGANIZATIONS = (
    DemoOrganization(
        "Lantern House Family Shelter",
        "US",
        "Newark, NJ",
        OLIVE,
        "We give families with children a safe room for the night, a warm meal and somebody who listens.\n\n"
        "Families live here, so our street is not public.",
        verified="Charity register entry, lease of the building, telephone call with the director",
        website="https://lanternhouse.example.org",
        members=((MARTA, "manager"), (KOFI, "coordinator"), (VERA, "viewer")),
        needs=(
            DemoNeed(
                "Open the family winter shelter",
                "From December on we open 40 beds for families with children, every night until the end of March. "
                "Before that the rooms must be set up.\n\nLast winter 112 families stayed with us. What we lacked most "
                "often was not a bed but **a second pair of hands**.",
                place="Newark, NJ",
                address="25 Sample Street",
                private=True,
                urgency="high",
                causes=("housing", "children-families"),
                skills=("cooking", "cleaning"),
                ends_in=120,
                shifts=(
                    DemoShift(
                        5, "09:00", "13:00", 12, "Set up beds and rooms", minimum_age=14, signups=((SAM, 1), (AYO, 1))
                    ),
                    DemoShift(6, "17:30", "20:30", 4, "Cook dinner", signups=((JUN, 2),)),
                    DemoShift(8, "18:00", "21:00", 6, "Welcome and dinner, with children", contact="children"),
                    DemoShift(
                        22,
                        flexible=True,
                        capacity=8,
                        name="Wash and fold bedding at home",
                        signups=((SAM, 1), (TOM, 1)),
                    ),
                ),
                items=(
                    DemoItem(
                        "Twin bed sheets",
                        "30",
                        "set",
                        accepted_condition="New or as good as new",
                        pledges=((SAM, "6"), (JUN, "4")),
                    ),
                    DemoItem("Children's pajamas, sizes 4 to 10", "24", "pair", pledges=((AYO, "9"),)),
                    DemoItem("Folding cribs", "6", "", priority="first", pledges=((TOM, "1"),)),
                    DemoItem("Coffee and tea"),
                    DemoItem("Stuffed animals", do_not_bring=True),
                    DemoItem("Used mattresses", do_not_bring=True),
                ),
                fundraisers=(
                    DemoFundraiser(
                        "Beds and heating for December",
                        "Forty beds need forty blankets and a boiler that holds until spring.\n\n"
                        "- $25 buys a blanket\n- $90 heats one room for a month",
                        300_000,
                        OLIVE,
                    ),
                    DemoFundraiser(
                        "Running the bridge for Lantern House",
                        "I run the half marathon in spring. Every mile is for the families of Lantern House.",
                        100_000,
                        SAM,
                        120,
                    ),
                ),
            ),
            DemoNeed(
                "Repaint the playroom",
                "The walls have seen eight winters. We have the paint; we need people who can hold a brush.",
                place="Newark, NJ",
                address="25 Sample Street",
                private=True,
                causes=("children-families",),
                skills=("painting",),
                shifts=(DemoShift(15, "10:00", "15:00", 5, signups=((AYO, 1),)),),
            ),
            DemoNeed(
                "Spring garden day",
                "Raised beds for vegetables, with the families who live here.",
                status="draft",
                place="Newark, NJ",
                shifts=(DemoShift(110, "09:00", "12:00", 10, contact="not_stated"),),
            ),
        ),
    ),
    DemoOrganization(
        "Ironbound Community Pantry",
        "US",
        "Newark, NJ",
        BEA,
        "Groceries for 300 households every week, without questions.",
        verified="Charity register entry, visit to the pantry",
        needs=(
            DemoNeed(
                "Sort and pack groceries on Saturday",
                "A truck comes at eight. By noon everything is in boxes. No experience needed; wear closed shoes.",
                place="Newark, NJ",
                address="101 Example Avenue",
                urgency="critical",
                causes=("food",),
                skills=("food-sorting", "loading"),
                shifts=(
                    DemoShift(
                        3,
                        "08:00",
                        "12:00",
                        10,
                        "Sort and pack",
                        signups=((SAM, 2), (JUN, 1), (AYO, 1), (FINN, 3), (GITA, 1)),
                    ),
                    DemoShift(3, "10:00", "14:00", 2, "Driver", minimum_age=18, signups=((TOM, 1), (HUGO, 1))),
                ),
                items=(
                    DemoItem("Rice", "200", "2 lb bag", pledges=((JUN, "20"), (GITA, "12.5"))),
                    DemoItem("Baby formula", "60", "can", priority="first", accepted_condition="Sealed, not expired"),
                    DemoItem("Open or home-made food", do_not_bring=True),
                ),
            ),
            DemoNeed(
                "Answer the telephone on weekday mornings",
                "People ask what they can come for and when. You can do it from your own kitchen table.",
                remote=True,
                causes=("food",),
                skills=("telephone", "spanish"),
                shifts=(DemoShift(30, flexible=True, capacity=None, signups=((GITA, 1),)),),
            ),
            DemoNeed(
                "Thanksgiving boxes",
                "Two hundred boxes for two hundred tables.",
                status="closed",
                place="Newark, NJ",
                causes=("food",),
                items=(DemoItem("Canned vegetables", "400", "can", pledges=((SAM, "24"),)),),
            ),
        ),
    ),
    DemoOrganization(
        "Reparaturcafé Kanalufer",
        "DE",
        "Berlin, DE",
        LENA,
        "Was kaputt ist, wird hier zusammen repariert: Toaster, Fahrräder, Lieblingspullover.",
        verified="Vereinsregister, Besuch vor Ort",
        needs=(
            DemoNeed(
                "Reparaturhelfer für den ersten Samstag im Monat",
                "Von 14 bis 18 Uhr reparieren wir mit den Leuten, nicht für sie. Kaffee gibt es genug.",
                place="Berlin, DE",
                address="Beispielufer 7",
                causes=("environment",),
                skills=("appliance-repair", "bicycle-repair", "sewing"),
                shifts=(DemoShift(12, "14:00", "18:00", 8, signups=((HUGO, 1), (FINN, 1))),),
                items=(DemoItem("Nähmaschinennadeln", "10", "Päckchen"), DemoItem("Werkzeugkoffer", "3", "")),
            ),
        ),
    ),
    DemoOrganization(
        "Welcome Table Hackney",
        "GB",
        "London, GB",
        GITA,
        "A shared meal, English conversation and help with forms for people who have just arrived.",
        verified="Charity Commission entry, telephone call with the trustees",
        needs=(
            DemoNeed(
                "Interpreters for appointments",
                "Arabic, Farsi, Tigrinya or Ukrainian: an hour with the doctor or the school, in person or by telephone.",
                place="London, GB",
                urgency="high",
                causes=("refugees-migrants",),
                skills=("interpreting", "arabic", "farsi", "tigrinya", "ukrainian"),
                shifts=(DemoShift(20, flexible=True, capacity=12, minimum_age=18, signups=((HUGO, 1),)),),
            ),
            DemoNeed(
                "Homework club on Wednesdays",
                "Children aged 8 to 12 and a table full of exercise books.",
                place="London, GB",
                causes=("education", "children-families"),
                skills=("tutoring", "mathematics"),
                shifts=(DemoShift(9, "16:00", "18:00", 4, contact="children"),),
            ),
            DemoNeed(
                "Winter coats",
                "Clean and warm, for adults. We are full for this week and open again on Monday.",
                status="paused",
                place="London, GB",
                causes=("refugees-migrants",),
                items=(DemoItem("Winter coats", "50", "", pledges=((NOOR, "2"),)),),
            ),
        ),
    ),
    DemoOrganization(
        "Bayou Flood Relief Network",
        "US",
        "Houston, TX",
        TOM,
        "Neighbours who muck out houses after a flood, and what they need to do it.",
        verified="State register entry, two references",
        needs=(
            DemoNeed(
                "Muck out houses in Meyerland",
                "Wet drywall and carpet must be out before mould sets in. Gloves and masks are there; bring boots.",
                place="Houston, TX",
                urgency="critical",
                causes=("emergency",),
                skills=("debris-removal", "drywall"),
                shifts=(
                    DemoShift(1, "07:30", "12:00", 30, signups=((FINN, 4),)),
                    DemoShift(2, "07:30", "12:00", 30, minimum_age=16),
                    DemoShift(2, "20:00", "06:00", 3, "Night watch of the depot", minimum_age=18),
                ),
                items=(
                    DemoItem("Contractor bags", "500", "roll of 20", priority="first", pledges=((FINN, "40"),)),
                    DemoItem("Drinking water", None, "case of 24"),
                    DemoItem("Dehumidifiers", "12", "", accepted_condition="Working"),
                    DemoItem("Clothes", do_not_bring=True),
                ),
            ),
        ),
    ),
    DemoOrganization(
        "Harbour Animal Rescue",
        "CA",
        "Halifax, CA",
        HUGO,
        "Dogs and cats between two homes.",
        verified="Register entry, visit",
        needs=(
            DemoNeed(
                "Walk dogs in the morning",
                "Twenty-two dogs, one harbour. We show you how each of them likes to be walked.",
                place="Halifax, CA",
                causes=("animals",),
                skills=("dog-walking",),
                urgency="low",
                shifts=(
                    DemoShift(4, "07:00", "09:00", 5, minimum_age=16),
                    DemoShift(11, "07:00", "09:00", 5, minimum_age=16),
                ),
            ),
        ),
    ),
    DemoOrganization(
        "Open Hands Coalition against Trafficking",
        "US",
        "Jersey City, NJ",
        INES,
        "Survivors and allies who train hotels, schools and neighbours to notice and to act.",
        needs=(
            DemoNeed(
                "Lay out the training booklet",
                "Sixteen pages, text and pictures are ready.",
                status="draft",
                remote=True,
                skills=("graphic-design",),
                shifts=(DemoShift(25, flexible=True, capacity=1),),
            ),
        ),
    ),
)
