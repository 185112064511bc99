"""Berlin, London and Cork: a repair café, a welcome for people who have just arrived, visits to older people."""

from __future__ import annotations

from app.pages.demo_data.shape import (
    DemoDecision,
    DemoFundraiser,
    DemoGift,
    DemoItem,
    DemoNeed,
    DemoOrganization,
    DemoPledge,
    DemoShift,
)

BERLIN, LONDON, CORK = "Berlin, DE", "London, GB", "Cork, IE"

KANALUFER = DemoOrganization(
    "Reparaturcafé Kanalufer",
    "DE",
    BERLIN,
    "lena",
    "Was kaputt ist, wird hier zusammen repariert: Toaster, Fahrräder, Lieblingspullover. "
    "Im letzten Jahr waren es 640 Dinge; etwa zwei von drei gehen wieder.",
    causes=("environment", "community"),
    website="https://kanalufer.example.org",
    ago=300,
    decisions=(DemoDecision("verified", "Vereinsregister, Besuch vor Ort", 296),),
    members=(("silke", "manager"), ("anton", "coordinator")),
    locations=(("Werkstatt im Hof", "Beispielufer 7", BERLIN, False),),
    fundraisers=(
        DemoFundraiser(
            "Ein Lötplatz mit Absaugung",
            "Gelötet wird bei uns am offenen Fenster. Im Winter ist das kalt. Für den Preis eines guten Mantels bekommt "
            "die Werkstatt eine Absaugung.",
            45_000,
            "lena",
            ago=33,
            days=12,
            gifts=(
                DemoGift("Emre Yılmaz", 5_000, 30, "Meine Finger danken.", first="emre"),
                DemoGift("Hausgemeinschaft Nummer 9", 12_000, 24),
                DemoGift("Birgit Sommer", 2_000, 20, anonymous=True),
                DemoGift("Silke Vogt", 2_500, 11, first="silke"),
            ),
        ),
    ),
    needs=(
        DemoNeed(
            "Reparaturhelfer für den nächsten Samstag",
            "Von 14 bis 18 Uhr reparieren wir mit den Leuten, nicht für sie. Kaffee gibt es genug. "
            "Wer noch nie etwas aufgeschraubt hat, fängt am Empfang an.",
            place=BERLIN,
            address="Beispielufer 7",
            causes=("environment", "community"),
            skills=("appliance-repair", "bicycle-repair", "sewing", "german"),
            ago=45,
            shifts=(
                DemoShift(-40, "14:00", "18:00", 8, on="sat", who="emre anton silke=300"),
                DemoShift(-12, "14:00", "18:00", 8, on="sat", who="emre silke anton=cancelled"),
                DemoShift(
                    2,
                    "14:00",
                    "18:00",
                    6,
                    "Werkbank",
                    on="sat",
                    positions=(("Empfang und Kaffee", 2),),
                    who="emre silke anton lena@1",
                ),
                DemoShift(
                    30, "14:00", "18:00", 6, "Werkbank", on="sat", positions=(("Empfang und Kaffee", 2),), who="emre"
                ),
            ),
            items=(
                DemoItem(
                    "Nähmaschinennadeln", "10", "Päckchen", pledges=(DemoPledge("silke", "10", 20, received="10"),)
                ),
                DemoItem(
                    "Werkzeugkoffer",
                    "3",
                    accepted_condition="Gebraucht ist gut",
                    pledges=(DemoPledge("anton", "1", 9, received="1"), DemoPledge("emre", "1", 2)),
                ),
                DemoItem("Röhrenfernseher und Kühlschränke", do_not_bring=True),
            ),
        ),
        DemoNeed(
            "Fahrräder aus dem Keller fertig machen",
            "Zwölf Räder bekommen Licht, Bremsen und einen neuen Besitzer.",
            place=BERLIN,
            address="Beispielufer 7",
            causes=("environment", "refugees-migrants"),
            skills=("bicycle-repair",),
            ago=6,
            shifts=(DemoShift(4, "18:00", "21:00", 4, who="anton"), DemoShift(11, "18:00", "21:00", 4)),
            items=(DemoItem("Fahrradlichter", "24", "Satz", pledges=(DemoPledge("anton", "6", 3),)),),
        ),
        DemoNeed(
            "Inventur im Materiallager",
            "Schrauben zählen, Kabel aufrollen, Zettel schreiben.",
            status="closed",
            until=30,
            place=BERLIN,
            causes=("environment",),
            ago=70,
            shifts=(DemoShift(-44, "10:00", "13:00", 3, on="sun", who="silke anton=150"),),
        ),
    ),
)

WELCOME_TABLE = DemoOrganization(
    "Welcome Table Hackney",
    "GB",
    LONDON,
    "gita",
    "A shared meal on Wednesdays, English conversation, and help with forms for people who have just arrived. "
    "About seventy people come each week; a third of them bring something to eat.",
    causes=("refugees-migrants", "food"),
    website="https://welcometable.example.org",
    ago=330,
    decisions=(DemoDecision("verified", "Charity Commission entry, telephone call with the trustees", 326),),
    members=(("femi", "manager"), ("ruth", "coordinator")),
    locations=(("Church hall", "40 Example Road", LONDON, False),),
    fundraisers=(
        DemoFundraiser(
            "Bus fares for a hundred appointments",
            "A day ticket is what stands between many of our guests and the solicitor. A hundred appointments, a hundred "
            "tickets.",
            52_500,
            "gita",
            ago=26,
            days=20,
            gifts=(
                DemoGift("Ruth Ellison", 5_250, 25, "Ten journeys.", first="ruth"),
                DemoGift("Number 38 regulars", 15_750, 17),
                DemoGift("Alistair Moss", 2_100, 10, anonymous=True),
            ),
        ),
        DemoFundraiser(
            "Sixty miles for the Welcome Table",
            "In May I walk along the coast, sixty miles in four days, with blisters and a flask.",
            80_000,
            "tariq",
            ago=2,
            days=150,
            status="waiting",
        ),
    ),
    needs=(
        DemoNeed(
            "Interpreters for appointments",
            "Arabic, Farsi, Tigrinya or Ukrainian: an hour with the doctor or the school, in person or by telephone. "
            "You translate what is said and nothing else; a page of ground rules comes with your first appointment.",
            place=LONDON,
            urgency="high",
            causes=("refugees-migrants", "health"),
            skills=("interpreting", "arabic", "farsi", "tigrinya", "ukrainian"),
            ago=35,
            shifts=(
                DemoShift(
                    20,
                    flexible=True,
                    capacity=12,
                    minimum_age=18,
                    who="tariq=420 oksana=180",
                    notes=(("oksana", "Mornings are best."),),
                ),
            ),
        ),
        DemoNeed(
            "Cook the Wednesday meal",
            "Seventy plates, two of us know the oven. Vegetarian, because that way everybody can eat everything.",
            place=LONDON,
            address="40 Example Road",
            causes=("refugees-migrants", "food"),
            skills=("cooking", "serving"),
            ago=28,
            by="femi",
            shifts=(
                DemoShift(-22, "16:00", "20:00", 5, on="wed", who="ruth tariq oksana"),
                DemoShift(-8, "16:00", "20:00", 5, on="wed", who="ruth tariq=absent"),
                DemoShift(6, "16:00", "20:00", 5, on="wed", who="noor ruth"),
                DemoShift(13, "16:00", "20:00", 5, on="wed"),
            ),
            items=(
                DemoItem(
                    "Rice, lentils, chickpeas", None, "kg", pledges=(DemoPledge("oksana", "5", 10, received="5"),)
                ),
                DemoItem("Olive oil", "20", "litre", pledges=(DemoPledge("noor", "3", 4),)),
            ),
        ),
        DemoNeed(
            "Homework club on Wednesdays",
            "Children aged 8 to 12 and a table full of exercise books.",
            place=LONDON,
            causes=("education", "children-families"),
            skills=("tutoring", "mathematics"),
            ago=11,
            shifts=(DemoShift(9, "16:00", "18:00", 4, contact="children", on="wed"),),
        ),
        DemoNeed(
            "Winter coats",
            "Clean and warm, for adults. The hall is full for this week; we open again on Monday.",
            status="paused",
            until=2,
            place=LONDON,
            address="40 Example Road",
            causes=("refugees-migrants",),
            ago=20,
            items=(
                DemoItem(
                    "Winter coats",
                    "50",
                    accepted_condition="Clean, zip works",
                    pledges=(
                        DemoPledge("noor", "2", 12),
                        DemoPledge("femi", "7", 15, received="6", rejected="1", reason="The zip was broken"),
                        DemoPledge("ruth", "3", 17, received="3"),
                    ),
                ),
                DemoItem("Shoes", do_not_bring=True),
            ),
        ),
    ),
)

TEA_AT_THREE = DemoOrganization(
    "Tea at Three Visiting Service",
    "IE",
    CORK,
    "nora",
    "Somebody comes by, once a week, at about three. We bring together people who live alone and people who have an "
    "hour, and we stay in touch with both.",
    causes=("older-people",),
    website="https://teaatthree.example.org",
    ago=250,
    decisions=(
        DemoDecision("declined", "The charity number belongs to another organization; asked for the right one", 248),
        DemoDecision("verified", "Charities Regulator entry, call with the treasurer", 240),
    ),
    members=(("sinead", "manager"),),
    needs=(
        DemoNeed(
            "Visit an older neighbour once a week",
            "An hour of tea and talk, or a walk to the river and back. We introduce you, and the first two visits we "
            "come along.",
            place=CORK,
            urgency="high",
            causes=("older-people", "community"),
            skills=("active-listening", "elder-care"),
            ago=19,
            shifts=(
                DemoShift(60, flexible=True, capacity=10, contact="adults_at_risk", name="Visitor"),
                DemoShift(
                    10, "19:00", "20:30", 20, "Introduction evening for new visitors", on="thu", who="cormac sinead"
                ),
            ),
        ),
        DemoNeed(
            "Drive to the Sunday lunch",
            "Eight people, three cars, one roast. You are back home by four.",
            place=CORK,
            causes=("older-people", "food"),
            skills=("driving",),
            ago=27,
            shifts=(
                DemoShift(-15, "11:30", "16:00", 3, "Driver", on="sun", minimum_age=21, who="cormac sinead=240"),
                DemoShift(1, "11:30", "16:00", 3, "Driver", on="sun", minimum_age=21, who="cormac"),
                DemoShift(15, "11:30", "16:00", 3, "Driver", on="sun", minimum_age=21, who="cormac", cancelled=2),
            ),
            items=(DemoItem("Tablecloths", "6", pledges=(DemoPledge("sinead", "6", 21, received="6"),)),),
        ),
        DemoNeed(
            "Telephone friends for long evenings",
            "Some evenings are long. Two calls a week, from wherever you are.",
            status="draft",
            remote=True,
            causes=("older-people",),
            skills=("telephone",),
            ago=1,
            by="sinead",
        ),
    ),
)

ORGANIZATIONS = (KANALUFER, WELCOME_TABLE, TEA_AT_THREE)
