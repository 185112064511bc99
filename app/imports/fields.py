"""What a column of a file may be: our fields with their names, and the guess from what others call them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.i18n import lazy
from app.imports.dates import kind_of
from app.imports.words import are_countries

# In the order in which a person reads a need. The keys are need_rows.COLUMNS, and three that are made into them.
LABELS: dict[str, Any] = {
    "title": lazy("Title"),
    "site": lazy("Name of the place, when there is no title"),
    "description": lazy("Description"),
    "items": lazy("Items, as “rice: 40 bag; water”"),
    "items_text": lazy("Items, in free text"),
    "volunteers_text": lazy("Volunteers, in free text"),
    "starts_at": lazy("Start: day and time"),
    "ends_at": lazy("End: day and time"),
    "day": lazy("Day of the shift"),
    "from_time": lazy("Start: time only"),
    "to_time": lazy("End: time only"),
    "capacity": lazy("How many people"),
    "flexible": lazy("Flexible role (yes or no)"),
    "contact": lazy("Whom people meet"),
    "ends_on": lazy("Last day"),
    "time_zone": lazy("Time zone"),
    "address": lazy("Street and number"),
    "city": lazy("Town"),
    "region": lazy("State or region"),
    "postal_code": lazy("Postal code"),
    "country": lazy("Country"),
    "latitude": lazy("Latitude"),
    "longitude": lazy("Longitude"),
    "remote": lazy("From anywhere (yes or no)"),
    "urgency": lazy("Urgency"),
    "causes": lazy("Causes"),
    "skills": lazy("Skills"),
    "external_id": lazy("Its number in your list"),
    "organization": lazy("Organization"),
}

# What people call these columns, folded: English, German, French, Spanish, Italian, Dutch, Portuguese. The first that says
# it exactly wins.
_WORDS: dict[str, str] = {
    "external_id": "id, external id, row id, listing id, opportunity id, need id, event id, reference, ref, key, number, no, nr, "
    "nummer, numero, kennung, referenz, referencia, identifiant, identificador, codigo",
    "organization": "organization, organisation, org, agency, charity, nonprofit, ngo, partner, organization name, "
    "organisation name, agency name, verein, traeger, association, organizacion, entidad, organizzazione, "
    "ente, organisatie, organizacao",
    "title": "title, need, opportunity, opportunity title, event, event name, event title, role, job, task, subject, headline, "
    "activity, what, name, titel, bezeichnung, aufgabe, was, betreff, titre, nom, intitule, mission, titulo, nombre, actividad, "
    "titolo, nome, naam, taak",
    "site": "site, site name, shelter, shelter name, location name, place name, venue, facility, standort, einrichtung, lieu, "
    "sede, lugar",
    "description": "description, details, detail, about, summary, text, body, notes, instructions, beschreibung, zum einsatz, "
    "descriptif, descripcion, detalles, descrizione, omschrijving, beschrijving, descricao",
    "items": "items, item, item list, supplies list",
    "items_text": "items text, supplies, supply needs, supply need, needs, needed, supplies needed, items needed, wish list, "
    "wishlist, donations, donations needed, goods, materials, sachspenden, bedarf, benoetigt, besoins, materiel, necesidades, "
    "articulos, materiale, benodigdheden",
    "volunteers_text": "volunteers text, volunteer needs, volunteer need, volunteers, helpers, helfer, benevoles, voluntarios, "
    "volontari, vrijwilligers",
    "starts_at": "starts at, start, starts, start time, day, tag, jour, dia, giorno, dag, "
    "start date, start datetime, start date time, begin, begins, begin date, "
    "from, date, date time, when, datum, datum und uhrzeit, beginn, anfang, wann, von, ab, de, du, da, desde, dal, van, "
    "debut, date de debut, "
    "inicio, fecha, fecha de inicio, "
    "inizio, data, begintijd",
    "ends_at": "ends at, end, ends, end time, bis, a, au, jusqu a, hasta, al, fino a, tot, ate, "
    "end datetime, end date time, finish, to, until, ende, fin, fine, eindtijd, fim",
    "time_zone": "time zone, timezone, tz, zeitzone, fuseau horaire, zona horaria, tijdzone",
    "capacity": "capacity, people, people needed, number of people, number of volunteers, volunteers needed, spots, slots, "
    "places, headcount, how many, personen, anzahl, anzahl personen, plaetze, nombre de benevoles, nombre de personnes, "
    "plazas, cupo, "
    "posti, aantal, vagas",
    "flexible": "flexible, ongoing, open ended, flexibel, laufend",
    "contact": "contact, whom people meet, works with, contact with children, client contact",
    "ends_on": "ends on, end date, last day, deadline, expires, expiry, expiration, expiration date, closing date, due, "
    "due date, valid until, letzter tag, enddatum, frist, gueltig bis, date limite, date de fin, "
    "echeance, fecha limite, fecha de fin, "
    "scadenza, einddatum, prazo",
    "address": "address, street, street address, address 1, address line 1, location, where, adresse, strasse, "
    "strasse und hausnummer, wo, rue, direccion, calle, indirizzo, via, adres, straat, endereco, rua",
    "city": "city, town, municipality, locality, stadt, ort, ville, commune, ciudad, localidad, citta, "
    "comune, stad, plaats, cidade",
    "region": "region, state, province, county, state province, bundesland, kanton, departement, estado, "
    "provincia, regione, provincie",
    "postal_code": "postal code, postcode, post code, zip, zip code, zipcode, plz, postleitzahl, code postal, codigo postal, cp, "
    "cap, cep",
    "country": "country, country code, land, staat, pays, pais, paese, nazione",
    "latitude": "latitude, lat, breitengrad, latitud, latitudine, breedtegraad",
    "longitude": "longitude, lon, lng, long, laengengrad, longitud, longitudine, lengtegraad",
    "remote": "remote, virtual, online, from home, from anywhere, von zu hause, a distance, en ligne, remoto, a distancia",
    "urgency": "urgency, priority, urgent, dringlichkeit, prioritaet, urgence, priorite, urgencia, prioridad, urgenza",
    "causes": "causes, cause, category, categories, theme, themes, topic, kategorie, thema, kategorien, categorie, theme, causa, "
    "categoria, tema",
    "skills": "skills, skill, skills needed, required skills, requirements, faehigkeiten, kenntnisse, competences, habilidades, "
    "competenze, vaardigheden",
}  # fmt: skip


def _folded(name: str) -> str:
    """Letters and digits only: accents gone, umlauts as two letters, everything else one space."""
    text = name.casefold().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", text))


_KNOWN = {word: ours for ours, words in reversed(_WORDS.items()) for word in words.split(", ")}


# What a column that is called a start or an end is, by what its values are.
_BY_KIND = {
    ("starts_at", "time"): "from_time",
    ("starts_at", "date"): "day",
    ("ends_at", "time"): "to_time",
    ("ends_at", "date"): "ends_on",
    ("ends_on", "time"): "to_time",
    ("ends_on", "instant"): "ends_at",
}


def guess_columns(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Ours -> theirs, from the names of the columns and their first values; each of ours and of theirs at most once."""
    found: dict[str, str] = {}
    ours_in_full = {ours.replace("_", " "): ours for ours in LABELS}
    # What is called exactly as we call it comes before what only means the same.
    for known in (ours_in_full, _KNOWN):
        for name, examples in values.items():
            ours = known.get(_folded(name))
            if ours in ("starts_at", "ends_at", "ends_on"):
                ours = _BY_KIND.get((ours, kind_of(examples)), ours)
            if ours == "country" and examples and not are_countries(examples):
                ours = "region"  # "Staat" and "state" are both, by what they hold
            if ours is not None and ours not in found and name not in found.values():
                found[ours] = name
    return found
