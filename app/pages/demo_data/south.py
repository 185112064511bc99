"""São Paulo, Kisumu and Melbourne: a community garden, a reading room, a workshop for hands."""

from __future__ import annotations

from app.pages.demo_data.shape import (
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

SAO_PAULO, KISUMU, MELBOURNE = "São Paulo, BR", "Kisumu, KE", "Melbourne, AU"

HORTA = DemoOrganization(
    "Horta Comunitária da Ladeira",
    "BR",
    SAO_PAULO,
    "thiago",
    "Um terreno que era entulho e hoje dá couve, banana e sombra. Quem planta leva; o resto vai para a cozinha do bairro.",
    causes=("environment", "food"),
    website="https://hortadaladeira.example.org",
    ago=160,
    decisions=(DemoDecision("verified", "Estatuto da associação, fotos da horta, conversa por vídeo", 155),),
    members=(("luiza", "coordinator"),),
    locations=(("A horta", "Ladeira do Exemplo, 12", SAO_PAULO, False),),
    fundraisers=(
        DemoFundraiser(
            "Uma cisterna para a seca",
            "Cinco mil litros de água da chuva bastam para três semanas sem chuva.",
            380_000,
            "thiago",
            ago=29,
            days=45,
            gifts=(
                DemoGift("Caio Ferreira", 8_000, 27, "Eu cavo o buraco.", first="caio"),
                DemoGift("Padaria da esquina", 60_000, 22),
                DemoGift("Dona Nair", 5_000, 13, anonymous=True),
                DemoGift("Luiza Prado", 10_000, 5, first="luiza"),
            ),
        ),
    ),
    needs=(
        DemoNeed(
            "Mutirão de plantio no domingo",
            "Vinte canteiros, quatrocentas mudas, almoço no fim. Traga chapéu e água; ferramentas nós temos.",
            place=SAO_PAULO,
            address="Ladeira do Exemplo, 12",
            causes=("environment", "food", "community"),
            skills=("gardening", "composting"),
            ago=26,
            shifts=(
                DemoShift(-14, "08:00", "12:00", 20, on="sun", who="luiza caio+2"),
                DemoShift(
                    1, "08:00", "12:00", 20, on="sun", who="luiza caio+3", guests=(DemoGuest("Marina Teles", 2),)
                ),
                DemoShift(15, "08:00", "12:00", 20, on="sun"),
            ),
            items=(
                DemoItem(
                    "Mudas de couve",
                    "400",
                    "muda",
                    category="garden",
                    pledges=(DemoPledge("luiza", "120", 12, received="120"), DemoPledge("caio", "80", 3)),
                ),
                DemoItem(
                    "Sacos de composto", "30", "saco de 20 kg", pledges=(DemoPledge("caio", "10", 8, received="10"),)
                ),
            ),
        ),
        DemoNeed(
            "Consertar a cerca da horta",
            "O vento levou dois lados. Há madeira; falta quem saiba usar o martelo.",
            place=SAO_PAULO,
            address="Ladeira do Exemplo, 12",
            causes=("environment",),
            skills=("carpentry", "portuguese"),
            ago=4,
            shifts=(DemoShift(10, "09:00", "13:00", 4, who="caio"),),
        ),
    ),
)

READING_ROOM = DemoOrganization(
    "Lakeside Reading Room",
    "KE",
    KISUMU,
    "achieng",
    "Three thousand books, forty chairs, open every afternoon. Most of our readers are between seven and seventeen; "
    "their grandparents come for the newspapers.",
    causes=("education", "children-families"),
    website="https://lakesidereading.example.org",
    ago=220,
    decisions=(DemoDecision("verified", "Registration certificate, call with the county librarian", 214),),
    members=(("wanjiru", "manager"),),
    locations=(("Reading room", "Sample Lane, second floor", KISUMU, False),),
    needs=(
        DemoNeed(
            "Cover and label 600 books",
            "Film, scissors, a list of numbers, and a radio. Two afternoons if we are ten.",
            place=KISUMU,
            address="Sample Lane, second floor",
            causes=("education",),
            skills=("library", "crafts"),
            ago=15,
            shifts=(
                DemoShift(-5, "14:00", "17:00", 10, who="otieno wanjiru"),
                DemoShift(2, "14:00", "17:00", 10, who="otieno"),
                DemoShift(9, "14:00", "17:00", 10),
            ),
            items=(
                DemoItem(
                    "Self-adhesive book film",
                    "40",
                    "roll of 10 m",
                    priority="first",
                    pledges=(DemoPledge("wanjiru", "12", 9, received="12"),),
                ),
                DemoItem(
                    "Story books in Dholuo or Kiswahili",
                    None,
                    "book",
                    pledges=(DemoPledge("otieno", "7", 6, received="7"),),
                ),
            ),
        ),
        DemoNeed(
            "Read aloud on Saturday mornings",
            "Thirty children, one rug, a different story each week.",
            place=KISUMU,
            address="Sample Lane, second floor",
            causes=("education", "children-families"),
            skills=("reading", "storytelling"),
            ago=22,
            shifts=(DemoShift(3, "10:00", "11:30", 3, on="sat", contact="children"),),
        ),
        DemoNeed(
            "Record audio books at home",
            "For readers who see poorly. A telephone with a good microphone and a quiet cupboard are enough.",
            remote=True,
            causes=("education", "disability"),
            skills=("reading", "video"),
            ago=20,
            by="wanjiru",
            shifts=(DemoShift(40, flexible=True, capacity=None, who="otieno=240 sinead"),),
        ),
    ),
)

PRINTED_HANDS = DemoOrganization(
    "Printed Hands Workshop",
    "AU",
    MELBOURNE,
    "ruby",
    "We print, file and fit simple hands and arms for people who were quoted a price they cannot pay. Each takes about "
    "nine hours and eleven dollars of plastic. A physiotherapist fits every one.",
    causes=("disability", "health"),
    website="https://printedhands.example.org",
    ago=240,
    decisions=(DemoDecision("verified", "Charity register entry, visit, the physiotherapist's registration", 233),),
    members=(("callum", "manager"), ("minh", "viewer")),
    locations=(("Workshop", "9 Example Lane", "Footscray, AU", False),),
    fundraisers=(
        DemoFundraiser(
            "A third printer",
            "With two printers, people wait five months. With three, it is three.",
            180_000,
            "callum",
            ago=22,
            days=38,
            gifts=(
                DemoGift("Minh Pham", 10_000, 20, first="minh"),
                DemoGift("Yarra Engineers", 90_000, 14, "Send us a photo of the first print."),
                DemoGift("Imogen Hale", 5_000, 9, anonymous=True),
                DemoGift("Grade 6, Seddon", 6_240, 4, "From our cake stall."),
            ),
        ),
    ),
    needs=(
        DemoNeed(
            "Assemble hands on Thursday evenings",
            "Cord, screws, a lot of filing. We sit at a long table and somebody always knows.",
            place="Footscray, AU",
            address="9 Example Lane",
            causes=("disability", "health"),
            skills=("engineering", "crafts"),
            ago=38,
            by="callum",
            kept_by="ruby",
            shifts=(
                DemoShift(-15, "18:00", "21:00", 6, on="thu", who="callum=120 minh"),
                DemoShift(-8, "18:00", "21:00", 6, on="thu", who="minh callum=absent"),
                DemoShift(1, "18:00", "21:00", 6, on="thu", who="minh callum"),
                DemoShift(8, "18:00", "21:00", 6, on="thu", who="callum"),
            ),
            items=(
                DemoItem(
                    "PETG filament, 1.75 mm",
                    "25",
                    "1 kg spool",
                    priority="first",
                    accepted_condition="Sealed",
                    purchase_url="https://shop.example.org/petg",
                    pledges=(
                        DemoPledge("minh", "4", 20, received="4"),
                        DemoPledge("callum", "2.5", 3, way="send", then="on_its_way"),
                    ),
                ),
                DemoItem("Fishing line, 40 lb", "12", "spool", pledges=(DemoPledge("minh", "12", 11, received="12"),)),
            ),
        ),
        DemoNeed(
            "Redraw the thumb in CAD",
            "The joint wears out after eight months. Files, photographs and the broken ones are here.",
            remote=True,
            causes=("disability",),
            skills=("engineering", "software"),
            urgency="high",
            ago=9,
            shifts=(DemoShift(28, flexible=True, capacity=2, who="jonah"),),
        ),
        DemoNeed(
            "Sort the screw drawers",
            "One hundred and twelve drawers. Only time, and a good lamp.",
            place="Footscray, AU",
            address="9 Example Lane",
            urgency="low",
            causes=("disability",),
            ago=3,
            shifts=(DemoShift(6, "10:00", "12:00", 2, on="sun"),),
        ),
    ),
)

ORGANIZATIONS = (HORTA, READING_ROOM, PRINTED_HANDS)
