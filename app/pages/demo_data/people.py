"""Who is in the demonstration. The first is who `flask demo` looks for to know whether it is there."""

from __future__ import annotations

from app.pages.demo_data.shape import DemoPerson

NEWARK, LONDON, BERLIN, HOUSTON, HALIFAX = "Newark, NJ", "London, GB", "Berlin, DE", "Houston, TX", "Halifax, CA"
CHICAGO, PORTLAND, CORK = "Chicago, IL", "Portland, OR", "Cork, IE"
SAO_PAULO, KISUMU, MELBOURNE = "São Paulo, BR", "Kisumu, KE", "Melbourne, AU"

PEOPLE = (
    DemoPerson("moderator", "Mo Okafor", "moderator", role="moderator", age=44.2, password=True, joined=700),
    DemoPerson("admin", "Ada Lindqvist", "administrator", role="administrator", age=51.7, password=True, joined=700),
    DemoPerson("safeguarding", "Thandi Mokoena", role="safeguarding_lead", age=48.3, joined=700),
    # Lantern House, one for each role.
    DemoPerson("olive", "Olive Brandt", "owner of Lantern House Family Shelter", age=52.1, place=NEWARK, password=True),
    DemoPerson("marta", "Marta Reyes", "manager of Lantern House Family Shelter", age=41.4, password=True),
    DemoPerson("kofi", "Kofi Mensah", "coordinator of Lantern House Family Shelter", age=29.8, password=True),
    DemoPerson("vera", "Vera Novak", "viewer of Lantern House Family Shelter", age=63.5, password=True),
    # Supporters who can be signed in as.
    DemoPerson(
        "sam",
        "Sam Whitfield",
        "supporter in Newark",
        place=NEWARK,
        skills=("cooking", "driving"),
        availability=("tuesday_evening", "thursday_evening", "saturday_morning", "saturday_afternoon"),
        password=True,
    ),
    DemoPerson(
        "noor",
        "Noor Haddad",
        "supporter in London whose birth date is unknown",
        age=None,
        place=LONDON,
        skills=("arabic", "interpreting"),
        password=True,
    ),
    DemoPerson("ayo", "Ayo Bello", place=NEWARK, skills=("carpentry", "painting"), age=33.2, password=True),
    DemoPerson("jun", "Jun Park", place="Jersey City, NJ", skills=("cooking", "mandarin"), age=27.9, password=True),
    # Who owns the others.
    DemoPerson("bea", "Bea Santos", "owner of Ironbound Community Pantry", age=46.6, place=NEWARK, password=True),
    DemoPerson(
        "lena",
        "Lena Hartmann",
        "owner of Reparaturcafé Kanalufer",
        place=BERLIN,
        skills=("bicycle-repair", "sewing"),
        age=39.3,
        password=True,
    ),
    DemoPerson("gita", "Gita Rao", "owner of Welcome Table Hackney", age=36.1, place=LONDON, password=True),
    DemoPerson("tom", "Tom Okonkwo-Fitzgerald", age=49.9, place=HOUSTON, password=True),
    DemoPerson("hugo", "Hugo Marchand", age=34.7, place=HALIFAX, password=True),
    DemoPerson("finn", "Finn Jansen", place=HOUSTON, skills=("debris-removal", "driving"), age=31.0, password=True),
    DemoPerson(
        "ines",
        "Ines Duarte",
        "owner of an organization that waits for verification",
        age=43.8,
        place="Jersey City, NJ",
        joined=20,
        password=True,
    ),
    DemoPerson("malik", "Malik Johnson", age=37.5, place=CHICAGO),
    DemoPerson("robin", "Robin Castell", age=45.0, place=PORTLAND),
    DemoPerson("nora", "Nora Walsh", age=58.4, place=CORK),
    DemoPerson("thiago", "Thiago Moura", age=32.6, place=SAO_PAULO),
    DemoPerson("achieng", "Achieng Odhiambo", age=40.2, place=KISUMU),
    DemoPerson("ruby", "Ruby Tanaka", age=35.8, place=MELBOURNE),
    DemoPerson("omar", "Omar Sesay", age=30.3, place="Denver, CO", joined=9),
    DemoPerson("victor", "Victor Lund", age=47.1, place="Phoenix, AZ", joined=120),
    # Newark and around it.
    DemoPerson("rosa", "Rosa Delgado", place=NEWARK, skills=("cooking", "spanish"), age=55.2),
    DemoPerson(
        "devon",
        "Devon Clarke",
        "coordinator of some needs of Ironbound Community Pantry",
        place=NEWARK,
        skills=("van-driving", "loading"),
        age=28.4,
        password=True,
    ),
    DemoPerson("mei", "Mei-Lin Chu", place="Jersey City, NJ", skills=("mandarin", "graphic-design"), age=24.9),
    DemoPerson(
        "patrick", "Patrick Nowak", place="Elizabeth, NJ", skills=("electrical", "handywork"), age=61.3, bounces=True
    ),
    DemoPerson("aisha", "Aisha Rahman", place=NEWARK, skills=("tutoring", "mathematics"), age=22.7),
    DemoPerson("leo", "Leo Ferrante", place="Hoboken, NJ", skills=("painting", "driving"), age=35.4),
    DemoPerson("grace", "Grace Adeyemi", place=NEWARK, skills=("nursing", "first-aid"), age=50.6),
    DemoPerson("walt", "Walt Kowalczyk", place="Elizabeth, NJ", skills=("food-sorting",), age=71.8),
    DemoPerson("priya", "Priya Nair", place="Jersey City, NJ", skills=("accounting", "telephone"), age=42.5),
    DemoPerson("teo", "Teo Vargas", place=NEWARK, skills=("spanish", "youth-work"), age=26.1),
    DemoPerson("dana", "Dana Brooks", place=NEWARK, skills=("sewing", "cleaning"), age=47.7),
    DemoPerson("hazel", "Hazel Monroe", place=NEWARK, age=66.4, joined=30),
    DemoPerson("ellis", "Ellis Grant", place=NEWARK, age=33.9, joined=5),
    DemoPerson("pia", "Pia Holm", age=29.2, joined=3, verified=False),
    DemoPerson("zoe", "Zoe Ferrante", place="Hoboken, NJ", age=16.4, joined=60, guardian="Carmela Ferrante"),
    # Chicago, Houston, Portland.
    DemoPerson("joy", "Joy Petersen", place=CHICAGO, skills=("mentoring", "sports-coaching"), age=27.2),
    DemoPerson("andre", "Andre Baptiste", place=CHICAGO, skills=("cooking", "music-teaching"), age=44.9),
    DemoPerson("kate", "Kate O'Malley", place=CHICAGO, skills=("grant-writing", "writing"), age=38.8),
    DemoPerson("carla", "Carla Treviño", place=HOUSTON, skills=("spanish", "flood-response"), age=36.3),
    DemoPerson("wes", "Wes Tran", place=HOUSTON, skills=("drywall", "vietnamese"), age=29.5),
    DemoPerson("nadine", "Nadine Fontenot", place="Bellaire, TX", skills=("emergency-logistics",), age=53.7),
    DemoPerson("curtis", "Curtis Webb", place=HOUSTON, skills=("truck-driving", "loading"), age=40.8),
    DemoPerson("elena", "Elena Marsh", place=PORTLAND, skills=("public-speaking", "teaching"), age=46.0),
    DemoPerson("jonah", "Jonah Pike", place=PORTLAND, skills=("web-development",), age=31.6),
    # London, Cork, Berlin.
    DemoPerson("femi", "Femi Adebayo", place=LONDON, skills=("cooking", "driving"), age=34.0),
    DemoPerson("ruth", "Ruth Ellison", place=LONDON, skills=("language-teaching",), age=68.2),
    DemoPerson("tariq", "Tariq Mahmood", place=LONDON, skills=("farsi", "arabic", "interpreting"), age=39.9),
    DemoPerson("oksana", "Oksana Bilyk", place=LONDON, skills=("ukrainian", "russian"), age=33.3),
    DemoPerson("cormac", "Cormac Daly", place=CORK, skills=("driving",), age=30.9),
    DemoPerson("sinead", "Sinéad Keane", place=CORK, skills=("elder-care", "music"), age=45.5),
    DemoPerson("emre", "Emre Yılmaz", place=BERLIN, skills=("appliance-repair", "turkish"), age=42.0),
    DemoPerson("silke", "Silke Vogt", place=BERLIN, skills=("sewing",), age=57.3),
    DemoPerson("anton", "Anton Krüger", place=BERLIN, skills=("bicycle-repair", "electrical"), age=26.6),
    # Halifax, São Paulo, Kisumu, Melbourne.
    DemoPerson("isla", "Isla MacRae", place=HALIFAX, skills=("dog-walking", "animal-care"), age=23.8),
    DemoPerson("beth", "Beth Comeau", place="Dartmouth, CA", skills=("veterinary",), age=49.1),
    DemoPerson("luiza", "Luiza Prado", place=SAO_PAULO, skills=("gardening", "composting"), age=28.0),
    DemoPerson("caio", "Caio Ferreira", place=SAO_PAULO, skills=("carpentry",), age=37.7),
    DemoPerson("otieno", "Otieno Ouma", place=KISUMU, skills=("reading", "teaching"), age=25.3),
    DemoPerson("wanjiru", "Wanjiru Kamau", place=KISUMU, skills=("library", "storytelling"), age=31.9),
    DemoPerson("callum", "Callum Reid", place=MELBOURNE, skills=("engineering", "software"), age=29.0),
    DemoPerson("minh", "Minh Pham", place="Footscray, AU", skills=("physiotherapy",), age=41.2),
)
