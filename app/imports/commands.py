"""The operator's commands that bring CSV in and take it out."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import datetime as dt
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from app.core import web
from app.core.cli import answers
from app.core.db import transaction
from app.core.errors import refuse
from app.imports import need_rows, organizations, supporters
from app.imports.exports import PERIODIC, lines
from app.imports.files import Row, harmless, read_rows
from app.imports.mapping import load_mapping
from app.imports.needs import NeedImport, Options, Reject, Summary, batches
from app.organizations.queries import find_organization

imports = AppGroup("import", help="CSV in.")
exports = AppGroup("export", help="CSV out.")
LAST_YEAR = 2100
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
Take = Callable[[list[Row]], list[Reject]]


class _DryRun(Exception):
    """Ends a batch's transaction so that nothing of it stays."""


@contextlib.contextmanager
def _rejects_file(path: Path | None, source: Path) -> Iterator[Callable[[Reject], None]]:
    """Where rejects go: the row as it came, harmless to spreadsheets, with its line and reason. Nowhere without a path."""
    if path is None:
        yield lambda _reject: None
        return
    if path.resolve() == source.resolve():
        raise refuse("rejects", "The rejects cannot be written over the file itself")
    with path.open("w", encoding="utf-8", newline="") as target:
        writer: csv.DictWriter[str] | None = None

        def write(reject: Reject) -> None:
            nonlocal writer
            if writer is None:
                columns = ["reason", "line", *_header(source)]
                writer = csv.DictWriter(target, columns, extrasaction="ignore", restval="")
                writer.writeheader()
            cells = {name: harmless(cell) for name, cell in reject.row.cells.items()}
            writer.writerow({**cells, "reason": reject.reason, "line": reject.row.line})

        yield write


def _header(source: Path) -> list[str]:
    first = next(read_rows(source, source.name), None)
    return [] if first is None else [name for name in first.cells if name not in ("reason", "line")]


def run(source: Path, take: Take, *, rejects: Path | None, dry_run: bool) -> None:
    """Every batch of the file in a transaction of its own; a dry run takes each back."""
    with _rejects_file(rejects, source) as write:
        for rows in batches(read_rows(source, source.name)):
            refused: list[Reject] = []
            with contextlib.suppress(_DryRun), transaction():
                refused = take(rows)
                if dry_run:
                    raise _DryRun
            for reject in refused:
                write(reject)


@imports.command("needs", help="Needs; the same file again changes nothing.")
@click.argument("file", type=FILE)
@click.option("--organization", help="Slug of the organization that every row belongs to.")
@click.option("--create-organizations", is_flag=True, help="Make unclaimed organizations for names we do not know.")
@click.option(
    "--verified", is_flag=True, help="Your recorded act: the organizations made are verified, listings public."
)
@click.option("--mapping", type=FILE, help="TOML that renames foreign columns.")
@click.option("--publish", is_flag=True, help="Open what is complete, where the organization is verified.")
@click.option(
    "--shift-dates", "shift_days", type=click.IntRange(-36500, 36500), default=0, help="Move every date, for trials."
)
@click.option(
    "--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Where to write rows that were not taken."
)
@click.option("--dry-run", is_flag=True, help="Say what would become of the rows, and change nothing.")
@answers
def import_needs(
    file: Path,
    organization: str | None,
    create_organizations: bool,
    verified: bool,
    mapping: Path | None,
    publish: bool,
    shift_days: int,
    rejects: Path | None,
    dry_run: bool,
) -> dict[str, Any]:
    work = NeedImport(
        Options(
            mapping=load_mapping(mapping, need_rows.COLUMNS),
            organization=organization,
            create_organizations=create_organizations,
            verified=verified,
            publish=publish,
            shift_days=shift_days,
            country=web.settings().default_country,
        )
    )
    run(file, work.take, rejects=rejects, dry_run=dry_run)
    return dataclasses.asdict(work.summary)


ROW_COUNTS = ("created", "updated", "unchanged", "rejected")


@imports.command("organizations", help="Organizations with the columns " + " ".join(organizations.COLUMNS) + ".")
@click.argument("file", type=FILE)
@click.option("--verified", is_flag=True, help="Your recorded act: the organizations made are verified.")
@click.option("--mapping", type=FILE)
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True)
@answers
def import_organizations(
    file: Path, verified: bool, mapping: Path | None, rejects: Path | None, dry_run: bool
) -> dict[str, Any]:
    summary, names = Summary(), load_mapping(mapping, organizations.COLUMNS)
    country = web.settings().default_country

    def take(rows: list[Row]) -> list[Reject]:
        ours = [dataclasses.replace(row, cells=names.apply(row.cells)) for row in rows]
        return organizations.take(ours, summary, country=country, verified=verified)

    run(file, take, rejects=rejects, dry_run=dry_run)
    return {name: getattr(summary, name) for name in ROW_COUNTS}


@imports.command("supporters", help="People with the columns email name birth_date place skills.")
@click.argument("file", type=FILE)
@click.option("--mapping", type=FILE)
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True)
@answers
def import_supporters(file: Path, mapping: Path | None, rejects: Path | None, dry_run: bool) -> dict[str, Any]:
    summary, names = Summary(), load_mapping(mapping, supporters.COLUMNS)

    def take(rows: list[Row]) -> list[Reject]:
        return supporters.take([dataclasses.replace(row, cells=names.apply(row.cells)) for row in rows], summary)

    run(file, take, rejects=rejects, dry_run=dry_run)
    return {name: getattr(summary, name) for name in ROW_COUNTS}


def _export(name: str, help_text: str) -> None:
    @exports.command(name, help=help_text)
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    @click.option("--organization", help="Slug of the organization whose rows are written; without it all.")
    @click.option("--force", is_flag=True, help="Write over a file that is there.")
    @_period_options(name)
    @answers
    def export(
        file: Path,
        organization: str | None,
        force: bool,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
    ) -> dict[str, Any]:
        found = None if organization is None else find_organization(organization)
        if organization is not None and found is None:
            raise refuse("organization", f"There is no organization {organization}")
        if until is not None and until.year > LAST_YEAR:
            raise refuse("period", f"The last day is after the year {LAST_YEAR}")
        written = lines(
            name,
            None if found is None else found.id,
            since=None if since is None else since.replace(tzinfo=dt.UTC),
            until=None if until is None else until.replace(tzinfo=dt.UTC) + dt.timedelta(days=1),
        )
        return {"rows": _write_lines(file, written, force=force)}


def _period_options(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--from and --to for lists that have a period: days in UTC, both counted."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        if name not in PERIODIC:
            return command
        day = click.DateTime(["%Y-%m-%d"])
        until = click.option("--to", "until", type=day, help="The last day, in UTC.")
        return click.option("--from", "since", type=day, help="The first day, in UTC.")(until(command))

    return add


def _write_lines(file: Path, written: Iterator[str], *, force: bool) -> int:
    """Write a file that only its owner reads, and nothing beside it; how many rows it has. Nothing is left of one that could
    not be written whole. Raises Refused when there is one, and when it cannot be written."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        target = os.fdopen(os.open(file, flags, 0o600), "w", encoding="utf-8", newline="")
    except FileExistsError as error:
        raise refuse("exists", f"{file.name} is there already; write over it with --force") from error
    except OSError as error:
        raise refuse("unwritable", f"{file.name} cannot be written: {error.strerror}") from error
    rows = -1  # the header is none
    try:
        with target:
            for line in written:
                target.write(line)
                rows += 1
    except BaseException as error:
        file.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise refuse("unwritable", f"{file.name} cannot be written: {error.strerror}") from error
        raise
    return rows


_export("needs", "Needs, in the columns of the import: they come back to the needs they were.")
_export("signups", "Places, with the names of those known to be of age.")
_export("pledges", "Promised items, with the names of those known to be of age.")
_export("donations", "Gifts, without the names of anonymous donors.")
_export("journal", "The ledger, double-entry, line by line.")
_export("fees", "What each fundraiser brought and what it cost.")


def register(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(imports)
    app.cli.add_command(exports)
