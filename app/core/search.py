"""Finding rows fast, in the two dialects behind one small interface: full text by words and tags, and merged ranges.

Words are folded here, in Python, so that both engines find the same rows: case, accents and a plural's ending do not
count. *Tags* are exact tokens of ours beside the words (a cell, a skill): a match may ask for any of several.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.core.db import db, uses_sqlite

MAXIMUM_QUERY_WORDS = 12
MAXIMUM_WORDS = 3000  # of one document; what comes later is not found by its words
MAXIMUM_WORD = 40
SHORTEST_BEGINNING = 4  # fewer letters begin too many other words
SHORTEST_MENDED = 5  # letters of a word in which a slip of the finger is looked for
LONG = 7  # letters of a word in which two slips leave it recognizable
_WORD = re.compile(r"[^\W_]+")
_SIBILANT_PLURAL = re.compile(r"(?:s|x|z|ch|sh)es$")


@functools.lru_cache(65536)
def _stem(word: str) -> str:
    """A plural without its ending (after Harman's "s" stemmer, 1991): blankets, blanket; boxes, box; families, family."""
    if len(word) > 4 and word.isascii() and word.endswith(("ies", "ie")):
        return word.removesuffix("s")[:-2] + "y"  # cookies and cookie meet here too
    if len(word) < 4 or not word.isascii() or not word.endswith("s") or word.endswith(("us", "ss", "is")):
        return word
    if _SIBILANT_PLURAL.search(word):
        return word[:-2]
    return word[:-1]


def fold(text: str) -> str:
    """`text` without case and accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if unicodedata.category(character) != "Mn")


def words(text: str) -> list[str]:
    """The words of `text` as they are indexed, in order, repeated as they occur."""
    return [_stem(word[:MAXIMUM_WORD]) for word in _WORD.findall(fold(text))]


def query_words(text: str) -> list[str]:
    """The distinct words somebody searches for, at most MAXIMUM_QUERY_WORDS. Operators and quotes mean nothing."""
    return list(dict.fromkeys(words(text[:2000])))[:MAXIMUM_QUERY_WORDS]


def is_among(term: str, found: Iterable[str]) -> bool:
    """True when `found` has the word, or one that begins with it, as a match with `begins` takes it."""
    return any(word == term or (len(term) >= SHORTEST_BEGINNING and word.startswith(term)) for word in found)


def closest(term: str, known: Mapping[str, int]) -> str:
    """The word of `known` (each with how often it occurs) that `term` was most likely meant to be, "" when none is near: one
    slip of the finger away (a letter more, less, another, or two changed places), two in words of LONG letters or more. Short
    words have too many neighbours ("book", "look") and are left alone, and so is the letter that a word begins with."""
    if len(term) < SHORTEST_MENDED:
        return ""
    most, letters = 2 if len(term) >= LONG else 1, Counter(term)
    best: tuple[int, int, int, str] | None = None
    for word, count in known.items():
        if abs(len(word) - len(term)) > most or word[0] not in term[:2] or term[0] not in word[:2]:
            continue
        # A slip loses one letter at most: a word with too many others need not be compared.
        lost = (letters - Counter(word)).total()
        if lost > most:
            continue
        slips = _slips(term, word, most)
        if slips <= most:
            found = (slips, lost, -count, word)
            best = found if best is None else min(best, found)
    return "" if best is None else best[3]


def _slips(one: str, other: str, most: int) -> int:
    """Slips between two words, `most` + 1 for more of them (Damerau's distance; of one place only one slip is made: Boytsov,
    "Indexing methods for approximate dictionary searching", 2011, calls it optimal string alignment)."""
    before, last = list[int](), list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        row = [at]
        for to, target in enumerate(other, 1):
            cost = min(last[to] + 1, row[to - 1] + 1, last[to - 1] + (letter != target))
            if at > 1 and to > 1 and letter == other[to - 2] and one[at - 2] == target:
                cost = min(cost, before[to - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return last[-1]


@dataclasses.dataclass(frozen=True)
class Document:
    """What full text knows about one row."""

    number: int
    words: Sequence[str]
    tags: Sequence[str]

    def unique_words(self) -> list[str]:
        """Each word once: nothing here looks at positions."""
        return list(dict.fromkeys(self.words))[:MAXIMUM_WORDS]


class TextIndex:
    """A full-text table: FTS5 (words, tags) on SQLite; (number, lexemes tsvector) with GIN on PostgreSQL."""

    def __init__(self, table: str) -> None:
        self.table = table

    def columns(self) -> tuple[str, ...]:
        """The columns that `row` fills."""
        return ("rowid", "words", "tags") if uses_sqlite() else ("number", "lexemes")

    def row(self, document: Document) -> tuple[Any, ...]:
        """The values of a document, in the order of `columns`."""
        if uses_sqlite():
            return (document.number, " ".join(document.unique_words()), " ".join(document.tags))
        # The text form of a tsvector: tokens are letters and digits only, so nothing needs escaping.
        return (
            document.number,
            " ".join([f"'{w}'" for w in document.unique_words()] + [f"'#{t}'" for t in document.tags]),
        )

    def remove(self, numbers: Iterable[int]) -> None:
        """Forget documents; unknown numbers are fine."""
        key = "rowid" if uses_sqlite() else "number"
        execute_many(f"DELETE FROM {self.table} WHERE {key} = {{0}}", [(number,) for number in numbers])  # noqa: S608  # names are ours

    def match(self, terms: Sequence[str], any_of: Sequence[Sequence[str]], *, begins: bool = False) -> str:
        """The value of a match: every word of `terms`, and of each group of tags at least one. With `begins`, a term of
        SHORTEST_BEGINNING letters or more finds the words that begin with it, too."""
        wide = {term for term in terms if begins and len(term) >= SHORTEST_BEGINNING}
        if uses_sqlite():
            parts = [f'words:"{term}"' + ("*" if term in wide else "") for term in terms]
            parts += ["tags:(" + " OR ".join(f'"{tag}"' for tag in group) + ")" for group in any_of]
            return " AND ".join(parts)
        parts = [f"'{term}'" + (":*" if term in wide else "") for term in terms]
        parts += ["(" + " | ".join(f"'#{tag}'" for tag in group) + ")" for group in any_of]
        return " & ".join(parts)

    def vocabulary(self) -> dict[str, int]:
        """Every word of its documents, and in how many of them it is. It reads all of it: for tables of few documents."""
        if not uses_sqlite():
            statement = f"SELECT word, ndoc FROM ts_stat('SELECT lexemes FROM {self.table}')"  # noqa: S608  # names are ours
            return {row[0]: row[1] for row in run(statement, {}) if not row[0].startswith("#")}
        found = Counter[str]()
        for row in run(f"SELECT words FROM {self.table}", {}):  # noqa: S608  # names are ours
            found.update(set(row[0].split()))
        return dict(found)

    def source(self, alias: str = "w") -> tuple[str, str, str]:
        """FROM item, condition on the parameter `match`, and the expression of the document number."""
        if uses_sqlite():
            return f"{self.table} AS {alias}", f"{alias}.{self.table} MATCH :match", f"{alias}.rowid"
        return f"{self.table} AS {alias}", f"{alias}.lexemes @@ CAST(:match AS tsquery)", f"{alias}.number"

    def joined(self, table: str, alias: str = "w") -> str:
        """The full-text table joined with `table` (called `t`, with a `number`), matches first."""
        source, _condition, number = self.source(alias)
        # SQLite takes CROSS JOIN as an order: the other way round it would ask the full text once for each row.
        return f"{source} {'CROSS JOIN' if uses_sqlite() else 'JOIN'} {table} AS t ON t.number = {number}"


# --- statements by hand, where every column and plan counts ------------------------------------------------------

_PARAMETER = re.compile(r"(?<!:):([a-z][a-z0-9_]*)")


@functools.lru_cache(512)
def _for_psycopg(statement: str) -> str:
    return _PARAMETER.sub(r"%(\1)s", statement.replace("%", "%%"))


def run(statement: str, values: dict[str, Any]) -> list[Any]:
    """The rows of a statement with :named values, straight at the driver, in this session's transaction."""
    if not uses_sqlite():
        statement = _for_psycopg(statement)
    return list(db.session.connection().exec_driver_sql(statement, values).all())


def execute_many(statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement with {0} {1} … places once for each row."""
    if not rows:
        return
    place = "?" if uses_sqlite() else "%s"
    db.session.connection().exec_driver_sql(statement.format(*[place] * len(rows[0])), list(rows))


def insert_rows(table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]], *, bulk: bool = False) -> None:
    """Insert rows. With `bulk`, PostgreSQL copies them and SQLite streams them: for thousands at once."""
    names = ", ".join(columns)
    if bulk and not uses_sqlite():
        driver = db.session.connection().connection.driver_connection
        if driver is None:
            raise RuntimeError("the connection is gone")
        with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    places = ", ".join(f"{{{position}}}" for position in range(len(columns)))
    execute_many(f"INSERT INTO {table} ({names}) VALUES ({places})", list(rows))  # noqa: S608  # names are ours


def merge(
    table: str,
    sources: Sequence[dict[str, int]],
    *,
    index: str,
    equal: tuple[str, ...],
    columns: str,
    where: str,
    order: tuple[str, ...],
    rows: int,
    values: dict[str, Any],
) -> list[Any]:
    """The first `rows` rows over many short ranges of `index`, merged in `order`.

    Each source gives the values of one range: its columns named in `equal` are equal to them, and `where` (which calls
    the table `t`) may name any as `source.name`. The index must begin with `equal` and go on with `order` (columns,
    perhaps with DESC). `columns` is the select list: plain columns or `expression AS name`, separated by ", ".
    """
    sqlite = uses_sqlite()
    names = tuple(sources[0])
    values = {**values, "rows": rows}
    for name in names:
        if sqlite:
            values |= {f"{name}_{branch}": source[name] for branch, source in enumerate(sources)}
        else:
            values[f"{name}_list"] = [source[name] for source in sources]
    count = len(sources) if sqlite else 0
    return run(_merged(sqlite, table, index, names, equal, count, columns, where, order), values)


@functools.lru_cache(512)
def _merged(
    sqlite: bool,
    table: str,
    index: str,
    names: tuple[str, ...],
    equal: tuple[str, ...],
    count: int,
    columns: str,
    where: str,
    order: tuple[str, ...],
) -> str:
    places = ", ".join(_place(columns, column) for column in order)
    condition = " AND ".join([f"t.{name} = source.{name}" for name in equal] + [where])
    if sqlite:
        # The plus keeps SQLite from asking whether the bound value makes a partial index usable, which it would do by
        # preparing the statement anew each time: five times the cost of running it.
        condition = condition.replace("= source.", "= +source.")
        hint = f" INDEXED BY {index}" if index else ""
        branch = f"SELECT {columns} FROM {table} AS t{hint} WHERE {condition}"  # noqa: S608  # names are ours
        branches = [re.sub(r"\bsource\.(\w+)", rf":\1_{number}", branch) for number in range(count)]
        # A compound select in the order of its branches' index is merged lazily: nothing is read beyond the limit.
        return " UNION ALL ".join(branches) + f" ORDER BY {places} LIMIT :rows"
    arrays = ", ".join(f"CAST(:{name}_list AS bigint[])" for name in names)
    return (
        f"SELECT b.* FROM unnest({arrays}) AS source ({', '.join(names)}) CROSS JOIN LATERAL"  # noqa: S608  # names are ours
        f" (SELECT {columns} FROM {table} AS t WHERE {condition} ORDER BY {places} LIMIT :rows) AS b"
        f" ORDER BY {places} LIMIT :rows"
    )


def _place(columns: str, column: str) -> str:
    """An order's column (it may say DESC) as its 1-based place in the select list."""
    name, _space, direction = column.partition(" ")
    names = [item.split(" AS ")[-1].strip() for item in columns.split(", ")]
    return f"{names.index(name) + 1} {direction}".strip()
