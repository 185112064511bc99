"""Newark and around it: a family shelter, a food pantry, an organization nobody runs yet, one that waits."""

from __future__ import annotations

from app.pages.demo_data.newark_pages import BEDS, BREAKFAST, RUN, WASHING_MACHINE
from app.pages.demo_data.shape import (
    DemoClaim,
    DemoClearance,
    DemoConduct,
    DemoDecision,
    DemoFundraiser,
    DemoGift,
    DemoGuest,
    DemoItem,
    DemoNeed,
    DemoOrganization,
    DemoPledge,
    DemoRefund,
    DemoShift,
)

NEWARK = "Newark, NJ"
SHELTER_STREET = "25 Sample Street"

LANTERN_CONDUCT = DemoConduct(
    "Families come to us in a hard week of their lives.\n\n"
    "- You are never alone with a child: two adults are in the room.\n"
    "- You take no pictures and post nothing about who lives here.\n"
    "- You do not ask why somebody came.\n"
    "- You do not give out your number, and you do not take theirs.\n"
    "- When something worries you, you tell whoever is on duty, the same day.",
    accepted="sam rosa grace marta",
)
LANTERN_CLEARANCES = (
    DemoClearance("sam", level="us_fitness", issuer="New Jersey State Police", reference="NJ-4471", ago=80),
    DemoClearance("rosa", level="us_fitness", issuer="New Jersey State Police", reference="NJ-4472", ago=75, left=25),
    DemoClearance("grace", level="us_fitness", issuer="New Jersey State Police", reference="NJ-4519", ago=60, left=6),
    DemoClearance("marta", level="us_fitness", issuer="New Jersey State Police", reference="NJ-4398", ago=200),
    DemoClearance("sam", "reference", issuer="Jun Park", ago=78, left=None),
    DemoClearance("sam", "reference", issuer="Grace Adeyemi", ago=77, left=None),
    DemoClearance("teo", level="us_fitness", issuer="New Jersey State Police", reference="NJ-4533", ago=50,
                  revoked="Issued to somebody of the same name"),
    DemoClearance("dana", "training", "safeguarding_basics", issuer="Essex County Youth Services", ago=30),
)  # fmt: skip

WINTER_SHELTER = DemoNeed(
    "Open the family winter shelter",
    "From next week on we open 40 beds for families with children, every night until spring. "
    "Before that the rooms must be set up.\n\nLast winter 112 families stayed with us. What we lacked most "
    "often was not a bed but **a second pair of hands**.\n\n"
    "- Setting up: carrying, screwing, making beds. We show you how.\n"
    "- Dinner: for about sixty people, in a kitchen with two stoves.\n"
    "- Laundry: you take a bag home and bring it back folded.",
    bring="Clothes that may get paint on them, and a lock for the locker.",
    meeting_point="The side door on the court; ring twice.",
    day_contact="Kofi Mensah, +1 973 555 0117",
    place=NEWARK,
    address=SHELTER_STREET,
    private=True,
    urgency="high",
    causes=("housing", "children-families"),
    skills=("cooking", "cleaning", "furniture-assembly"),
    ago=16,
    ends_in=120,
    by="marta",
    kept_by="kofi",
    shifts=(
        DemoShift(
            -12,
            "09:00",
            "13:00",
            12,
            "Clear the rooms",
            on="sat",
            minimum_age=14,
            who="sam ayo rosa devon=absent dana=300 leo patrick",
        ),
        DemoShift(
            5,
            "09:00",
            "13:00",
            12,
            "Set up beds and rooms",
            minimum_age=14,
            who="sam ayo rosa dana=cancelled patrick mei leo grace",
            notes=(("patrick", "I bring my own drill and a set of bits."), ("mei", "I have to leave at 12.")),
        ),
        DemoShift(
            6,
            "17:30",
            "20:30",
            4,
            "Cook dinner",
            positions=(("Serve and wash up", 5),),
            who="jun+1 rosa teo@1 walt+1@1",
            notes=(("jun", "We are two and have cooked for large groups before."),),
        ),
        DemoShift(8, "17:00", "19:00", 6, "Welcome and dinner, with children", contact="children", who="sam rosa"),
        DemoShift(
            22,
            flexible=True,
            capacity=8,
            name="Wash and fold bedding at home",
            who="sam dana grace+1 priya=cancelled",
        ),
    ),
    items=(
        DemoItem(
            "Twin bed sheets",
            "30",
            "set",
            accepted_condition="New or as good as new",
            category="bedding",
            pledges=(
                DemoPledge("sam", "6", 9, due=4),
                DemoPledge("dana", "3", 13, due=-6, then="expired"),
                DemoPledge("jun", "4", 11, received="4"),
                DemoPledge("grace", "5", 8, received="3", rejected="2", reason="Two sets were queen size"),
            ),
        ),
        DemoItem(
            "Children's pajamas, sizes 4 to 10",
            "24",
            "pair",
            accepted_condition="New",
            category="clothing",
            pledges=(
                DemoPledge("ayo", "9", 7, received="5"),
                DemoPledge("priya", "4", 5, then="cancelled"),
                DemoPledge("sam", "6", 6, then="cancelled"),
            ),
        ),
        DemoItem(
            "Folding cribs",
            "6",
            priority="first",
            accepted_condition="Made after 2011, with all parts",
            pledges=(DemoPledge("leo", "1", 4, note="It is in its box.", due=3, way="send", then="on_its_way"),),
        ),
        DemoItem("Coffee and tea", pledges=(DemoPledge("walt", "3", 3), DemoPledge("rosa", "2", 6, received="2"))),
        DemoItem("Stuffed animals", do_not_bring=True),
        DemoItem("Used mattresses", do_not_bring=True),
    ),
    fundraisers=(
        DemoFundraiser(
            "Beds and heating for the winter",
            "Forty beds need forty blankets, and the boiler has to hold until spring.\n\n"
            "- $25 buys a blanket\n- $90 heats one room for a month\n\n"
            "What is left over goes into breakfast. We publish the heating bill with our report in spring.",
            300_000,
            "olive",
            ago=14,
            days=40,
            **BEDS,
            gifts=(
                DemoGift("Sam Whitfield", 5_000, 13, "Keep it warm!", first="sam"),
                DemoGift("Priya Nair", 2_500, 12, anonymous=True),
                DemoGift("Corner Street Bakery", 40_000, 10, "From everybody at the counter."),
                DemoGift("Elias Brandt", 10_000, 9, cover_fee=True),
                DemoGift("Mei-Lin Chu", 2_500, 7, "One blanket.", first="mei"),
                DemoGift("Joan Whitaker", 9_000, 6, "One room, one month.", in_memory_of="Earl Whitaker"),
                DemoGift("Dev Anand", 5_000, 4, anonymous=True, outcome="failed"),
                DemoGift("Sam Whitfield", 2_000, 6, outcome="failed", first="sam"),
                DemoGift("Third Ward Book Club", 22_500, 3, "Nine readers, nine blankets."),
                DemoGift("Ayo Bello", 2_500, 2, first="ayo"),
                DemoGift("Harriet Cole", 50_000, 1, anonymous=True, outcome="processing"),
            ),
        ),
        DemoFundraiser(
            "Running the bridge for Lantern House",
            "I run my first half marathon in spring. Every mile is for the families of Lantern House, where I "
            "have made beds for two winters now. If I walk the last mile, it counts all the same.",
            100_000,
            "sam",
            ago=8,
            days=120,
            **RUN,
            gifts=(
                DemoGift("Jun Park", 2_000, 6, "You can walk the last two.", first="jun"),
                DemoGift("Mara Whitfield", 13_100, 5, "Ten dollars for every mile, little brother."),
                DemoGift("Tomasz Lis", 1_500, 2, anonymous=True),
            ),
        ),
        DemoFundraiser(
            "Cookie stand at Lincoln Street School",
            "Our class of 28 bakes on Thursday and sells on Friday. Parents help with the oven.",
            30_000,
            "aisha",
            ago=1,
            days=14,
            status="waiting",
        ),
    ),
)

LANTERN_HOUSE = DemoOrganization(
    "Lantern House Family Shelter",
    "US",
    NEWARK,
    "olive",
    "We give families with children a safe room for the night, a warm meal and somebody who listens. "
    "Most stay for three to six weeks, until they have keys of their own.\n\n"
    "Families live here, so our street is not public. Whoever helps on site learns it two days before.",
    causes=("housing", "children-families"),
    website="https://lanternhouse.example.org",
    logo="lantern",
    decisions=(
        DemoDecision(
            "verified", "Charity register entry, lease of the building, telephone call with the director", 408
        ),
    ),
    members=(("marta", "manager"), ("kofi", "coordinator"), ("vera", "viewer")),
    invited=(("imani.brooks", "coordinator", 3), ("grace", "viewer", 0.5)),
    locations=(("The house", SHELTER_STREET, NEWARK, True), ("Store room", "3 Sample Court", NEWARK, False)),
    requires=("code_of_conduct",),
    conduct=LANTERN_CONDUCT,
    clearances=LANTERN_CLEARANCES,
    confirmed_guardians="zoe",
    payouts=(60, 29, 8, 1),
    fundraisers=(
        BREAKFAST,
        WASHING_MACHINE,
        DemoFundraiser(
            "Win a car for Lantern House",
            "Every ticket is a chance to win my old car. Half of what comes in is for the shelter.",
            500_000,
            "victor",
            ago=70,
            days=60,
            status="declined",
            reason="We do not take part in raffles: a raffle needs a license here.",
        ),
    ),
    needs=(
        WINTER_SHELTER,
        DemoNeed(
            "Keep the welcome desk",
            "Somebody at the desk answers the door, hands out towels and knows where the bandages are. A member of "
            "the staff is always in the house.",
            meeting_point="The side door on the court; ring twice.",
            day_contact="Marta Reyes, +1 973 555 0118",
            place=NEWARK,
            address=SHELTER_STREET,
            private=True,
            causes=("housing",),
            skills=("reception", "spanish"),
            ago=30,
            by="marta",
            kept_by="kofi",
            shifts=(
                DemoShift(-9, "18:00", "21:00", 2, who="teo grace", on="tue"),
                DemoShift(-2, "18:00", "21:00", 2, who="teo=open walt"),
                DemoShift(
                    0,
                    "10:00",
                    "13:00",
                    8,
                    now=True,
                    guests=(DemoGuest("Lorraine Pitts", how="telephone", phone="+1 973 555 0142", age=67),),
                    who="dana walt=open devon patrick+1=open priya=cancelled",
                ),
                DemoShift(1, "18:00", "21:00", 2, who="teo sam"),
                DemoShift(3, "18:00", "21:00", 2, who="sam", cancelled=2),
                DemoShift(10, "18:00", "21:00", 2, who="grace walt", line="devon dana sam priya"),
                DemoShift(17, "18:00", "21:00", 2),
            ),
        ),
        DemoNeed(
            "Repaint the playroom",
            "The walls have seen eight winters. We have the paint; we need people who can hold a brush. "
            "The children are at school while we paint.",
            place=NEWARK,
            address=SHELTER_STREET,
            private=True,
            causes=("children-families",),
            skills=("painting",),
            ago=9,
            shifts=(DemoShift(15, "10:00", "15:00", 5, who="ayo leo", notes=(("leo", "I can do ceilings."),)),),
            items=(DemoItem("Dust sheets", "8", accepted_condition="Clean", pledges=(DemoPledge("leo", "8", 5),)),),
        ),
        DemoNeed(
            "Assemble bunk beds for the third floor",
            "Fourteen bunk beds in boxes, three cordless drills, and coffee.",
            status="closed",
            until=52,
            place=NEWARK,
            address=SHELTER_STREET,
            private=True,
            causes=("housing",),
            skills=("furniture-assembly",),
            ago=84,
            shifts=(
                DemoShift(
                    -66,
                    "09:00",
                    "15:00",
                    8,
                    on="sat",
                    who="sam ayo=390 patrick leo devon jun=cancelled rosa mei=absent",
                ),
            ),
            items=(
                DemoItem(
                    "Mattress covers",
                    "28",
                    pledges=(
                        DemoPledge("sam", "10", 80, received="10"),
                        DemoPledge("grace", "18", 78, received="18"),
                    ),
                ),
            ),
        ),
        DemoNeed(
            "Help families move into their own apartments",
            "When a family gets its keys, it has a morning to move. We have the van; it takes a driver and two people "
            "who carry.",
            status="paused",
            until=4,
            place=NEWARK,
            causes=("housing", "children-families"),
            skills=("moving", "van-driving"),
            ago=50,
            by="marta",
            shifts=(
                DemoShift(
                    -20,
                    "08:30",
                    "12:30",
                    1,
                    "Driver",
                    on="sun",
                    minimum_age=21,
                    positions=(("Carry", 2),),
                    who="devon sam@1 leo@1=210",
                ),
                DemoShift(30, flexible=True, capacity=6, name="On call for moves", who="devon"),
            ),
        ),
        DemoNeed(
            "Spring garden day",
            "Raised beds for vegetables, with the families who live here.",
            status="draft",
            place=NEWARK,
            ago=3,
            shifts=(DemoShift(110, "09:00", "12:00", 10, contact="not_stated"),),
        ),
    ),
)

IRONBOUND = DemoOrganization(
    "Ironbound Community Pantry",
    "US",
    NEWARK,
    "bea",
    "Groceries for 300 households every week, without questions. People choose from the shelves themselves, "
    "as in any shop.\n\nWe are eleven regulars, two refrigerators and one van that starts most mornings.",
    causes=("food",),
    website="https://ironboundpantry.example.org",
    logo="pantry",
    ago=380,
    decisions=(DemoDecision("verified", "Charity register entry, visit to the pantry", 377),),
    members=(("priya", "manager"), ("devon", "coordinator")),
    assigned=(("devon", "Sort and pack groceries on Saturday"), ("devon", "Canned vegetables for the family boxes")),
    invited=(("walt", "coordinator", 2),),
    locations=(("The pantry", "101 Example Avenue", NEWARK, False),),
    auto_approve=True,
    payouts=(7,),
    billed=(2.5, 200, "USD"),
    fundraisers=(
        DemoFundraiser(
            "A new clutch for the van",
            "The van fetches two tons a week from the markets. The garage has looked at the clutch and was quiet for "
            "a while.",
            140_000,
            "bea",
            ago=18,
            days=25,
            gifts=(
                DemoGift("Walt Kowalczyk", 10_000, 16, "I have heard that clutch.", first="walt"),
                DemoGift("Ferry Street Merchants", 60_000, 15),
                DemoGift(
                    "Gus Almeida",
                    5_000,
                    12,
                    anonymous=True,
                    back=DemoRefund(1_500, 10, "requested_by_customer", "He typed 50 and meant 35"),
                ),
                DemoGift("Lidia Couto", 45_000, 9, "For the van that came to our street all through the flood."),
                DemoGift("Dana Brooks", 3_000, 6, first="dana"),
                DemoGift("Portuguese Sports Club", 40_000, 3),
                DemoGift("Sam Whitfield", 1_500, 1, outcome="processing", first="sam"),
                DemoGift("Sam Whitfield", 2_500, 0.02, outcome="pending", first="sam"),
            ),
        ),
    ),
    needs=(
        DemoNeed(
            "Sort and pack groceries on Saturday",
            "A truck comes at eight. By noon everything is in boxes. No experience needed; wear closed shoes.",
            bring="Closed shoes and a water bottle.",
            meeting_point="The loading dock behind the pantry, where the truck stands.",
            day_contact="Bea Santos, +1 973 555 0131",
            place=NEWARK,
            address="101 Example Avenue",
            urgency="critical",
            causes=("food",),
            skills=("food-sorting", "loading"),
            ago=40,
            shifts=(
                DemoShift(-20, "08:00", "12:00", 10, "Sort and pack", on="sat", who="walt+1 dana rosa=cancelled grace"),
                DemoShift(
                    -13,
                    "08:00",
                    "12:00",
                    10,
                    "Sort and pack",
                    on="sat",
                    who="walt aisha+2 priya=absent mei",
                    guests=(DemoGuest("Carmen Ibarra", 2),),
                ),
                DemoShift(
                    1,
                    "08:00",
                    "12:00",
                    10,
                    "Sort and pack",
                    on="sat",
                    positions=(("Driver", 2),),
                    who="walt aisha+2 hazel ellis+1 jun=cancelled priya@1 teo@1",
                    guests=(DemoGuest("Ray Mendel", how="held"), DemoGuest("Ana Figueira", how="expired")),
                ),
                DemoShift(
                    8, "08:00", "12:00", 10, "Sort and pack", on="sat", positions=(("Driver", 2),), who="walt+1 priya@1"
                ),
                DemoShift(15, "08:00", "12:00", 10, "Sort and pack", on="sat", positions=(("Driver", 2),)),
            ),
            items=(
                DemoItem(
                    "Rice",
                    "200",
                    "2 lb bag",
                    category="food",
                    pledges=(
                        DemoPledge("jun", "20", 30, received="20"),
                        DemoPledge("priya", "12.5", 12, received="10"),
                        DemoPledge("aisha", "40", 5, due=3),
                    ),
                ),
                DemoItem(
                    "Baby formula",
                    "60",
                    "can",
                    priority="first",
                    accepted_condition="Sealed, not expired",
                    category="food",
                    pledges=(DemoPledge("grace", "6", 10, rejected="6", reason="The date was over"),),
                ),
                DemoItem("Paper bags", None, "bundle", unpledged="14"),
                DemoItem("Open or home-made food", do_not_bring=True),
                DemoItem("Anything in glass", do_not_bring=True),
            ),
        ),
        DemoNeed(
            "Answer the telephone on weekday mornings",
            "People ask what they can come for and when. You can do it from your own kitchen table: calls come to "
            "your telephone, and a list tells you what to say.",
            remote=True,
            causes=("food",),
            skills=("telephone", "spanish"),
            ago=25,
            shifts=(DemoShift(30, flexible=True, capacity=None, who="priya=600 mei rosa"),),
        ),
        DemoNeed(
            "Canned vegetables for the family boxes",
            "Two hundred boxes, two cans in each. Any vegetable, any brand.",
            place=NEWARK,
            address="101 Example Avenue",
            causes=("food",),
            ago=21,
            ends_in=18,
            items=(
                DemoItem(
                    "Canned vegetables",
                    "400",
                    "can",
                    category="food",
                    pledges=(
                        DemoPledge("sam", "24", 19, received="24"),
                        DemoPledge("walt", "150", 18, received="150"),
                        DemoPledge("mei", "26", 14, received="26"),
                        DemoPledge("devon", "200", 4),
                    ),
                ),
            ),
        ),
        DemoNeed(
            "Move the pantry to Example Avenue",
            "Three hundred boxes, eleven shelves and one refrigerator, four blocks down the road.",
            status="closed",
            until=200,
            place=NEWARK,
            causes=("food",),
            ago=245,
            shifts=(DemoShift(-212, "09:00", "14:00", 15, on="sun", who="sam walt+2 dana priya jun rosa aisha"),),
            items=(DemoItem("Moving boxes", "200", pledges=(DemoPledge("sam", "24", 230, received="24"),)),),
        ),
    ),
)

MAPLE_ROW = DemoOrganization(
    "Maple Row Lunch Club",
    "US",
    NEWARK,
    "",
    "Lunch for neighbors over 60, on weekdays, in the hall of the old fire station.",
    website="https://maplerow.example.org",
    ago=35,
    decisions=(DemoDecision("verified", "From the city's list of meal sites", 35),),
    claims=(
        DemoClaim(
            "hazel",
            evidence="I keep the club's books. The fire station's caretaker, Mr. Ruiz, knows me, and our "
            "annual report names me on page 2.",
            ago=6,
        ),
        DemoClaim("ellis", mailbox="kitchen", ago=2),
        DemoClaim(
            "victor",
            evidence="I am the new manager.",
            ago=20,
            declined="Nobody at the lunch club knows this person.",
        ),
    ),
    needs=(
        DemoNeed(
            "Serve lunch on weekdays",
            "Plates for about fifty people, from half past eleven to half past one.",
            place=NEWARK,
            address="8 Sample Row",
            causes=("older-people", "food"),
            skills=("serving", "dishwashing"),
            ago=20,
            shifts=(DemoShift(7, "11:00", "14:00", 4, on="mon"), DemoShift(7, "11:00", "14:00", 4, on="thu")),
        ),
    ),
)

# The same club once more, from somebody's list of senior centers: for a moderator to find.
MAPLE_ROW_AGAIN = DemoOrganization(
    "The Maple Row Lunch Club, Inc.",
    "US",
    NEWARK,
    "",
    "Meals for seniors.",
    website="https://www.maplerow.example.org/about",
    ago=14,
    decisions=(DemoDecision("verified", "From the county's list of senior centers", 14),),
    needs=(
        DemoNeed(
            "Drive members home after lunch",
            "Eight members live too far to walk. Your own car, or our van.",
            place=NEWARK,
            address="8 Sample Row",
            causes=("older-people",),
            skills=("driving",),
            ago=12,
            shifts=(DemoShift(6, "13:30", "15:00", 2, on="wed"),),
        ),
    ),
)

OPEN_HANDS = DemoOrganization(
    "Open Hands Coalition against Trafficking",
    "US",
    "Jersey City, NJ",
    "ines",
    "Survivors and allies who train hotels, schools and neighbors to notice and to act. We are new: nine people, "
    "a training booklet, and a first room.",
    causes=("community", "health"),
    ago=12,
    needs=(
        DemoNeed(
            "Lay out the training booklet",
            "Sixteen pages, text and pictures are ready.",
            status="draft",
            remote=True,
            causes=("education",),
            skills=("graphic-design",),
            ago=10,
            shifts=(DemoShift(25, flexible=True, capacity=1),),
        ),
    ),
)

ORGANIZATIONS = (LANTERN_HOUSE, IRONBOUND, MAPLE_ROW, MAPLE_ROW_AGAIN, OPEN_HANDS)
