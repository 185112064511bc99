"""Houston, Chicago, Portland and Halifax; and one organization each that waits and that was suspended."""

from __future__ import annotations

from app.pages.demo_data.shape import (
    DemoClearance,
    DemoDecision,
    DemoFundraiser,
    DemoGift,
    DemoGuest,
    DemoItem,
    DemoNeed,
    DemoOrganization,
    DemoPledge,
    DemoShift,
)

HOUSTON, CHICAGO, PORTLAND, HALIFAX = "Houston, TX", "Chicago, IL", "Portland, OR", "Halifax, CA"

BAYOU = DemoOrganization(
    "Bayou Flood Relief Network",
    "US",
    HOUSTON,
    "tom",
    "Neighbors who muck out houses after a flood, and what they need to do it. We keep tools for two hundred people "
    "in a depot and know how to use them.",
    causes=("emergency", "housing"),
    website="https://bayouflood.example.org",
    logo="waves",
    ago=200,
    decisions=(DemoDecision("verified", "State register entry, two references", 199),),
    members=(("nadine", "manager"), ("carla", "coordinator")),
    locations=(("Tool depot", "1200 Sample Bayou Road", HOUSTON, False),),
    auto_approve=True,
    needs=(
        DemoNeed(
            "Muck out houses in Meyerland",
            "Wet drywall and carpet must be out before mold sets in. Gloves and masks are there; bring boots. "
            "You work in a team of six with somebody who has done it before.\n\n"
            "Owners decide what is thrown away. Everything else is carried to the curb.",
            bring="Boots with a firm sole.",
            meeting_point="The white tent in front of the depot.",
            day_contact="Tom Okonkwo-Fitzgerald, +1 713 555 0162",
            place=HOUSTON,
            address="1200 Sample Bayou Road",
            urgency="critical",
            causes=("emergency",),
            skills=("debris-removal", "drywall", "spanish"),
            ago=8,
            by="nadine",
            kept_by="carla",
            shifts=(
                DemoShift(
                    -3,
                    "07:30",
                    "12:00",
                    30,
                    who="finn+3 wes curtis+1",
                    guests=(DemoGuest("Marguerite Dupree", how="telephone", phone="+1 713 555 0117"),),
                ),
                DemoShift(-1, "07:30", "12:00", 30, who="finn+3 wes=open curtis=absent"),
                DemoShift(
                    1,
                    "07:30",
                    "12:00",
                    30,
                    who="finn+4 wes curtis+7",
                    guests=(
                        DemoGuest("Earl Hutchins", how="telephone", phone="+1 713 555 0163"),
                        DemoGuest("Nell Ortiz", 3),
                    ),
                ),
                DemoShift(2, "07:30", "12:00", 30, minimum_age=16, who="wes"),
                DemoShift(2, "20:00", "06:00", 3, "Night watch of the depot", minimum_age=18, who="wes"),
                DemoShift(4, "07:30", "12:00", 30),
            ),
            items=(
                DemoItem(
                    "Contractor bags",
                    "500",
                    "roll of 20",
                    priority="first",
                    category="cleaning",
                    pledges=(
                        DemoPledge("finn", "40", 6, received="40"),
                        DemoPledge("wes", "120", 5, received="60", due=-1),
                        DemoPledge("curtis", "200", 4, received="230"),
                    ),
                ),
                DemoItem(
                    "Drinking water",
                    None,
                    "case of 24",
                    pledges=(DemoPledge("curtis", "60", 5, received="60"), DemoPledge("finn", "8", 1)),
                ),
                DemoItem(
                    "Dehumidifiers",
                    "12",
                    unpledged="2",
                    accepted_condition="Working",
                    pledges=(DemoPledge("wes", "2", 3, rejected="1", received="1", reason="One would not start"),),
                ),
                DemoItem("Clothes", do_not_bring=True),
            ),
            fundraisers=(
                DemoFundraiser(
                    "Pumps and generators before the next rain",
                    "Six pumps on loan go back at the end of the month. Bought second-hand, they stay.",
                    900_000,
                    "tom",
                    ago=7,
                    days=21,
                    gifts=(
                        DemoGift("Nadine Fontenot", 10_000, 6.5, first="nadine"),
                        DemoGift("Braeswood Hardware", 250_000, 6, "And the hoses come with them."),
                        DemoGift("Wes Tran", 4_000, 5, "From the crew of house nine.", first="wes"),
                        DemoGift("Lillian Ochoa", 7_500, 4, anonymous=True),
                        DemoGift("Galveston Rowing Club", 120_000, 2, "You pumped out our boathouse."),
                        DemoGift("Reuben Castle", 15_000, 1, outcome="expired"),
                    ),
                ),
            ),
        ),
        DemoNeed(
            "Drive supply trucks from the depot",
            "Two trucks, a route of eleven stops, and a list of who asked for what.",
            place=HOUSTON,
            address="1200 Sample Bayou Road",
            urgency="high",
            causes=("emergency",),
            skills=("truck-driving", "loading"),
            ago=6,
            shifts=(
                DemoShift(
                    3,
                    "06:00",
                    "11:00",
                    2,
                    "Driver",
                    minimum_age=21,
                    positions=(("Load", 4),),
                    who="curtis carla finn@1",
                ),
                DemoShift(6, "06:00", "11:00", 2, "Driver", minimum_age=21, positions=(("Load", 4),)),
            ),
        ),
        DemoNeed(
            "Keep the list of damaged streets up to date from home: read what neighbors report, put each address on the "
            "map, mark what is finished",
            "A shared sheet, two colors, and somebody to ask. One hour a day is plenty.",
            remote=True,
            causes=("emergency", "digital"),
            skills=("data-entry", "spanish"),
            ago=5,
            shifts=(DemoShift(14, flexible=True, capacity=5, who="kate jonah"),),
        ),
    ),
)

MENTORS = DemoOrganization(
    "Northside Saturday Mentors",
    "US",
    CHICAGO,
    "malik",
    "Two grown-ups and three or four young people, every other Saturday: a museum, a bicycle, a job application. "
    "Groups stay together for two years on average.\n\nMentors pass a background check and six hours of training before "
    "they meet anybody, always go in pairs, and write to no young person on their own.",
    causes=("children-families", "education"),
    website="https://saturdaymentors.example.org",
    ago=290,
    decisions=(DemoDecision("verified", "State register entry, insurance, interview with two board members", 285),),
    members=(("joy", "manager"), ("kate", "viewer")),
    requires=("training:safeguarding_basics",),
    clearances=(
        DemoClearance("andre", level="us_fitness", issuer="Illinois State Police", reference="IL-208", ago=36),
        DemoClearance("andre", "training", "safeguarding_basics", issuer="Northside Saturday Mentors", ago=35),
    ),
    fundraisers=(
        DemoFundraiser(
            "Forty museum passes",
            "One pass opens five museums for a group and its two mentors for a year.",
            200_000,
            "malik",
            ago=55,
            days=-1,
            outcome="Twelve passes are bought and in use; the rest follows when the museums' new year begins. Thank you.",
            gifts=(
                DemoGift("Kate O'Malley", 5_000, 50, "One pass.", first="kate"),
                DemoGift("Lakeview Bakers", 30_000, 41, "Six passes."),
                DemoGift("Owen Trask", 2_500, 33, anonymous=True),
                DemoGift("Andre Baptiste", 5_000, 21, first="andre"),
                DemoGift("Class of the evening school", 22_000, 12),
            ),
        ),
    ),
    needs=(
        DemoNeed(
            "Mentor a group of teenagers, two by two, every other Saturday",
            "Two mentors and three or four teenagers spend an afternoon in town together, twice a month, for at least a year. "
            "No mentor is ever alone with a young person. Training and the check come first; until both are done, come to an "
            "information evening.",
            place=CHICAGO,
            causes=("children-families", "education"),
            skills=("mentoring", "youth-work"),
            ago=32,
            shifts=(
                DemoShift(90, flexible=True, capacity=15, contact="children", name="Mentor", who="andre"),
                DemoShift(7, "18:30", "20:00", 20, "Information evening", on="tue", who="andre kate"),
            ),
        ),
        DemoNeed(
            "Set up the hall for the mentors' party",
            "Tables for ninety, lights, and a stage that folds. Food is taken care of.",
            place=CHICAGO,
            address="18 Sample Plaza",
            urgency="low",
            causes=("children-families", "community"),
            skills=("event-planning", "electrical"),
            ago=13,
            by="joy",
            shifts=(DemoShift(16, "09:00", "12:30", 3, who="andre+1 kate"),),
        ),
        DemoNeed(
            "Write two grant applications",
            "The story is there and the numbers are there. What we lack is somebody who knows what a foundation wants to "
            "read first.",
            remote=True,
            causes=("children-families",),
            skills=("grant-writing", "writing"),
            ago=17,
            shifts=(DemoShift(21, flexible=True, capacity=1, who="kate"),),
        ),
    ),
)

ALDER_STREET = DemoOrganization(
    "Alder Street Coalition against Trafficking",
    "US",
    PORTLAND,
    "robin",
    "Survivors, nurses, hotel staff and a retired judge. We train people to notice, and go along to appointments and "
    "to court with those who ask us to.\n\nWe take no reports on this site. If you worry about somebody, see Where to "
    "report.",
    causes=("community", "health"),
    website="https://alderstreet.example.org",
    ago=270,
    decisions=(DemoDecision("verified", "State register entry, two references from the court's victim services", 262),),
    members=(("elena", "manager"),),
    locations=(("Training room", "77 Example Street", PORTLAND, True),),
    needs=(
        DemoNeed(
            "Train hotel and motel staff",
            "Ninety minutes with the people at the desk and those who clean: what to notice, what to do, whom to call. "
            "You go with an experienced trainer until you want to go alone.",
            place=PORTLAND,
            causes=("education", "community"),
            skills=("public-speaking", "teaching", "spanish"),
            ago=23,
            shifts=(
                DemoShift(-10, "09:30", "12:00", 4, "Practice for new trainers", on="sat", who="elena jonah"),
                DemoShift(9, "14:00", "16:00", 2, who="elena"),
                DemoShift(12, "10:00", "12:00", 2, minimum_age=21),
            ),
            items=(DemoItem("Print 500 pocket cards", "500", "card", pledges=(DemoPledge("jonah", "500", 4),)),),
        ),
        DemoNeed(
            "Go along to court and to appointments",
            "You sit beside somebody in a corridor, and you know where the coffee is. You never need to know the story.",
            place=PORTLAND,
            private=True,
            address="77 Example Street",
            causes=("community", "health"),
            skills=("active-listening", "driving"),
            ago=18,
            shifts=(DemoShift(45, flexible=True, capacity=8, contact="adults_at_risk", minimum_age=21),),
        ),
        DemoNeed(
            "Pack welcome bags for first nights",
            "Soap, socks, a notebook, a charger. Forty bags hang ready by the door; these are the next forty.",
            place=PORTLAND,
            address="77 Example Street",
            causes=("housing", "health"),
            ago=12,
            items=(
                DemoItem(
                    "Telephone chargers, USB-C",
                    "40",
                    accepted_condition="New",
                    purchase_url="https://shop.example.org/charger",
                    pledges=(DemoPledge("jonah", "5", 9, received="5"),),
                ),
                DemoItem(
                    "Warm socks",
                    "80",
                    "pair",
                    accepted_condition="New",
                    priority="first",
                    pledges=(DemoPledge("elena", "30", 8, received="30"),),
                ),
                DemoItem("Notebooks", "40", pledges=(DemoPledge("elena", "40", 10, received="40"),)),
            ),
        ),
    ),
)

HARBOUR = DemoOrganization(
    "Harbour Animal Rescue",
    "CA",
    HALIFAX,
    "hugo",
    "Dogs and cats between two homes. Last year 214 found one, most of them within a month.",
    causes=("animals",),
    website="https://harbouranimals.example.org",
    ago=180,
    decisions=(DemoDecision("verified", "Register entry, visit", 178),),
    members=(("isla", "coordinator"),),
    locations=(("Kennels", "5 Sample Wharf", HALIFAX, False),),
    fundraisers=(
        DemoFundraiser(
            "Biscuit's hip",
            "Biscuit is three, weighs thirty kilos and wants to run. The clinic has given us its best price.",
            240_000,
            "isla",
            ago=31,
            days=35,
            named=True,
            gifts=(
                DemoGift("Beth Comeau", 20_000, 29, "See you in the consulting room.", first="beth"),
                DemoGift("The Gillis twins", 3_550, 27, "From our lemonade stand."),
                DemoGift("Hollis Street Office", 100_000, 20),
                DemoGift("Morag Sinclair", 10_000, 15, anonymous=True),
                DemoGift("Quinpool Runners", 62_000, 8, "So that he can come along."),
                DemoGift("Emile LeBlanc", 60_000, 3, anonymous=True),
            ),
        ),
    ),
    needs=(
        DemoNeed(
            "Walk dogs in the morning",
            "Twenty-two dogs, one harbour. We show you how each of them likes to be walked.",
            bring="Shoes that may get wet.",
            meeting_point="The gate with the blue bell.",
            day_contact="Hugo Marchand, +1 902 555 0144",
            place=HALIFAX,
            address="5 Sample Wharf",
            causes=("animals",),
            skills=("dog-walking",),
            urgency="low",
            ago=33,
            kept_by="hugo",
            shifts=(
                DemoShift(-17, "07:00", "09:00", 5, minimum_age=16, who="isla beth"),
                DemoShift(-3, "07:00", "09:00", 5, minimum_age=16, who="isla=150 beth=absent"),
                DemoShift(0, "07:00", "09:00", 5, minimum_age=16, who="isla beth=open"),
                DemoShift(4, "07:00", "09:00", 5, minimum_age=16, who="isla"),
                DemoShift(11, "07:00", "09:00", 5, minimum_age=16),
            ),
        ),
        DemoNeed(
            "Foster a cat for three weeks",
            "One cat, and everything it eats. You need a door that closes and no other cats.",
            place=HALIFAX,
            causes=("animals",),
            skills=("animal-fostering",),
            ago=10,
            shifts=(DemoShift(25, flexible=True, capacity=9, minimum_age=19, who="beth"),),
            items=(
                DemoItem("Cat litter", "60", "10 kg bag", pledges=(DemoPledge("beth", "8", 7, received="8"),)),
                DemoItem("Towels", None, accepted_condition="Old is fine"),
                DemoItem("Rawhide bones", do_not_bring=True),
            ),
        ),
        DemoNeed(
            "Photograph dogs for the adoption pages",
            "A good picture halves the wait. Bring a camera; we bring the biscuits.",
            status="paused",
            unconfirmed=True,
            until=5,
            place=HALIFAX,
            causes=("animals",),
            skills=("photography",),
            ago=36,
            shifts=(DemoShift(20, flexible=True, capacity=2, who="isla=cancelled"),),
        ),
    ),
)

TOOL_LIBRARY = DemoOrganization(
    "Elm Park Tool Library",
    "US",
    "Denver, CO",
    "omar",
    "Drills, ladders and sewing machines to borrow for a week. We open in a garage; the shelves are up.",
    causes=("community", "environment"),
    website="https://elmparktools.example.org",
    ago=7,
    needs=(
        DemoNeed(
            "Build shelves for two hundred tools",
            "Timber is cut. One weekend, two levels, many screws.",
            status="draft",
            place="Denver, CO",
            causes=("community", "environment"),
            skills=("carpentry",),
            ago=6,
            shifts=(DemoShift(20, "10:00", "16:00", 6, on="sat"),),
        ),
    ),
)

QUICK_RELIEF = DemoOrganization(
    "Quick Relief Collective",
    "US",
    "Phoenix, AZ",
    "victor",
    "Help within a day, wherever it is hot.",
    ago=110,
    decisions=(
        DemoDecision("verified", "Register entry", 107),
        DemoDecision(
            "suspended", "Asked supporters for gift cards by private message; two screenshots, no answer for a week", 15
        ),
    ),
    needs=(
        DemoNeed(
            "Hand out water at bus stops",
            "Two coolers, one cart, the stops along Sample Avenue.",
            place="Phoenix, AZ",
            causes=("emergency", "health"),
            ago=40,
            shifts=(DemoShift(18, "10:00", "14:00", 6),),
        ),
    ),
)

ORGANIZATIONS = (BAYOU, MENTORS, ALDER_STREET, HARBOUR, TOOL_LIBRARY, QUICK_RELIEF)
