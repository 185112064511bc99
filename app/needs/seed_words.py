"""What seeded needs are about: by cause, what is done (title, skills) and what is brought."""

from __future__ import annotations

ACTS: dict[str, tuple[tuple[str, str], ...]] = {
    "food": (
        ("Pack food parcels", "food-sorting"), ("Serve hot meals", "serving"), ("Cook a community dinner", "cooking"),
        ("Deliver meals to homes", "driving"), ("Stock the pantry shelves", "warehouse"),
    ),
    "housing": (
        ("Night shelter host", "shelter-support"), ("Repair shelter beds", "carpentry"), ("Collect warm blankets", "sewing"),
        ("Furnish a family flat", "furniture-assembly"), ("Shelter laundry run", "van-driving"),
    ),
    "children-families": (
        ("Sort school backpacks", "warehouse"), ("Playground repair day", "handywork"), ("Toy library shift", "storytelling"),
        ("Collect winter coats", "food-sorting"), ("Family festival stewards", "crowd-stewarding"),
    ),
    "education": (
        ("Adult literacy evening", "literacy"), ("Language cafe host", "language-teaching"), ("Library story time", "reading"),
        ("Homework club set-up", "teaching"), ("Exam practice for adults", "exam-preparation"),
    ),
    "health": (
        ("Blood drive helper", "reception"), ("Vaccination clinic steward", "crowd-stewarding"),
        ("Drive patients to appointments", "passenger-transport"), ("Collect hygiene kits", "warehouse"),
        ("Health fair stand", "nursing"),
    ),
    "older-people": (
        ("Grocery run for seniors", "driving"), ("Garden help for seniors", "gardening"), ("Phone friend calls", "telephone"),
        ("Care home sing along", "music"), ("Smartphone class for seniors", "digital-skills"),
    ),
    "disability": (
        ("Wheelchair ramp build", "carpentry"), ("Guide runner", "sports-coaching"), ("Talking newspaper reader", "reading"),
        ("Accessible outing helper", "disability-support"), ("Collect mobility aids", "loading"),
    ),
    "refugees-migrants": (
        ("Interpreter at clinic", "interpreting"), ("Welcome new families", "befriending"),
        ("Winter coats for refugees", "sewing"), ("Form filling help", "administration"),
        ("Bicycle repair for newcomers", "bicycle-repair"),
    ),
    "emergency": (
        ("Flood cleanup crew", "flood-response"), ("Sandbag filling", "loading"), ("Emergency supply sorting", "warehouse"),
        ("Tarpaulin roof crew", "roofing"), ("Debris clearing team", "debris-removal"),
    ),
    "environment": (
        ("River bank cleanup", "conservation"), ("Plant native trees", "tree-care"), ("Build compost bins", "composting"),
        ("Count garden birds", "wildlife"), ("Beach litter pick", "conservation"),
    ),
    "animals": (
        ("Walk shelter dogs", "dog-walking"), ("Feed rescued kittens", "animal-care"), ("Clean animal kennels", "cleaning"),
        ("Foster a puppy weekend", "animal-fostering"), ("Drive animals to the vet", "driving"),
    ),
    "arts-culture": (
        ("Museum guide", "public-speaking"), ("Community theatre set build", "theatre"), ("Mural painting day", "painting"),
        ("Choir front of house", "reception"), ("Collect instruments", "music"),
    ),
    "sports": (
        ("Park run marshal", "crowd-stewarding"), ("Swim gala timekeeper", "sports-coaching"),
        ("Pitch line marking", "painting"), ("Charity run water station", "serving"), ("Collect sports kit", "loading"),
    ),
    "community": (
        ("Community garden dig", "gardening"), ("Repair cafe fixer", "appliance-repair"), ("Tool library shift", "handywork"),
        ("Neighbourhood welcome desk", "reception"), ("Street party crew", "event-planning"),
    ),
    "digital": (
        ("Laptop refurbishing", "it-support"), ("Website help for a charity", "web-development"),
        ("Collect old tablets", "it-support"), ("Coding club mentor", "software"), ("Wifi setup helper", "it-support"),
    ),
    "employment": (
        ("Practice job interviews", "career-coaching"), ("Write a first CV", "writing"), ("Tax help evening", "tax-help"),
        ("Workshop tools sorting", "warehouse"), ("Office skills class", "digital-skills"),
    ),
}  # fmt: skip
WEIGHTS = (16, 10, 7, 9, 8, 7, 4, 5, 6, 9, 9, 4, 3, 2, 2, 1)
ITEMS = (
    ("Canned beans", "can"), ("Rice", "kg"), ("Pasta", "box"), ("Baby formula", "can"), ("Diapers size 3", "box"),
    ("Winter coat, adult", ""), ("Blanket", ""), ("Sleeping bag", ""), ("Soap", "bar"), ("Hygiene kit", ""),
    ("School backpack", ""), ("Notebook", ""), ("Torch", ""), ("Bottled water", "case"), ("Tarpaulin", ""),
    ("Work gloves", "pair"), ("Paint", "can"), ("Dog food", "kg"), ("Towel", ""), ("First aid kit", ""),
)  # fmt: skip
_COMMON_FIRST = (
    "volunteers community local weekend morning evening family team training provided gloves water lunch friendly no"
    " experience needed please wear sturdy shoes parking available bus stop near entrance meet coordinator safety briefing"
    " adults welcome groups company accessible wheelchair indoor outdoor rain shine project neighbours church hall school"
    " centre library park river market station kitchen warehouse garden clinic shelter truck van boxes bags clothes coats"
    " blankets shoes books tins rice pasta vegetables fruit milk bread soup coffee tea soap batteries torches tarps tools"
    " hammers paint brushes ladders spades seedlings compost mulch fence bench roof floor window door beds mattresses chairs"
    " tables laptops tablets phones chargers cables screens printers paper pens folders forms letters posters"
)
WORDS = tuple(_COMMON_FIRST.split())
FIRST = (
    "Helping Hands", "Open Door", "Good Neighbours", "Harvest", "Bridge", "Lighthouse", "River", "Hope", "Green",
    "Second Chance", "Common Ground", "Sunrise", "Kind Street", "Corner", "Haven", "Roots", "Together", "Beacon",
)  # fmt: skip
SECOND = (
    "Food Bank", "Shelter", "Trust", "Foundation", "Rescue", "Volunteers", "Network", "Alliance", "Centre", "Mission",
    "Project", "Collective", "Association",
)  # fmt: skip
NAMES = (
    "Ada",
    "Ben",
    "Chiara",
    "Dov",
    "Elif",
    "Femi",
    "Grete",
    "Hana",
    "Idris",
    "Jun",
    "Kofi",
    "Lena",
    "Mateo",
    "Nour",
)
