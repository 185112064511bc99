"""The shape of the code: what import-linter, ruff and mypy cannot say (docs/architecture.md)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
APP = sorted((ROOT / "app").rglob("*.py"))
CODE = [*APP, ROOT / "config.py", ROOT / "wsgi.py", *sorted((ROOT / "deploy").rglob("*.py"))]
ALL = [*CODE, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "bench").rglob("*.py"))]
MAXIMUM_LINES = 600
CLOCK = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time")}


def calls(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    """Every `something.name(...)`: the last part before the dot, the name, the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            last = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            yield last, node.func.attr, node.lineno


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", ALL, ids=relative)
def test_no_file_is_longer_than_a_room(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAXIMUM_LINES


def test_only_the_transaction_commits() -> None:
    found = [
        f"{relative(path)}:{line}"
        for path in APP
        for _owner, name, line in calls(ast.parse(path.read_text()))
        if name == "commit" and relative(path) != "app/core/db.py"
    ]
    assert found == []


def test_only_the_clock_reads_the_clock() -> None:
    found = [
        f"{relative(path)}:{line}"
        for path in APP
        for owner, name, line in calls(ast.parse(path.read_text()))
        if (owner, name) in CLOCK and relative(path) != "app/core/clock.py"
    ]
    assert found == []


def test_only_settings_read_the_environment() -> None:
    pattern = re.compile(r"\bos\.(environ|getenv)\b|(?<!request\.)\benviron\b")
    found = [relative(path) for path in APP if pattern.search(path.read_text())]
    assert found == []


def test_the_application_asserts_nothing_it_needs() -> None:
    # python -O removes assert statements, and with them whatever they guard.
    found = [
        f"{relative(path)}:{node.lineno}"
        for path in APP
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assert)
    ]
    assert found == []


def test_every_silenced_tool_gives_its_reason() -> None:
    silenced = re.compile(r"#\s*(type: ignore|noqa|nosec|pragma: no cover)[^#]*(#\s*\S.{5,})?$")
    found = []
    for path in ALL:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = silenced.search(line)
            if match and not match.group(2):
                found.append(f"{relative(path)}:{number}")
    assert found == []


def test_public_functions_say_what_they_do() -> None:
    found = []
    for path in APP:
        for node in ast.parse(path.read_text()).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            command = isinstance(node, ast.FunctionDef) and any(
                isinstance(decorator, ast.Call) and getattr(decorator.func, "attr", "") == "command"
                for decorator in node.decorator_list
            )
            overload = isinstance(node, ast.FunctionDef) and any(
                getattr(decorator, "id", "") == "overload" for decorator in node.decorator_list
            )
            if public and not command and not overload and ast.get_docstring(node) is None:
                found.append(f"{relative(path)}:{node.lineno} {node.name}")
    assert found == []


def test_every_package_has_its_charter() -> None:
    charters = [path for path in APP if path.name == "__init__.py"]
    assert [relative(path) for path in charters if ast.get_docstring(ast.parse(path.read_text())) is None] == []


def test_a_package_is_placed_on_the_ladder() -> None:
    packages = {path.name for path in (ROOT / "app").iterdir() if (path / "__init__.py").exists()}
    drawn = (ROOT / "docs" / "architecture.md").read_text()
    assert [name for name in sorted(packages) if f"`{name}`" not in drawn] == []


PHYSICAL = re.compile(
    r"(?<![\w-])(margin|padding|border)-(left|right)\b|(?<![\w-])(left|right)\s*:|text-align\s*:\s*(left|right)|float\s*:\s*(left|right)"
)


def test_styles_use_logical_properties() -> None:
    found = []
    for path in sorted((ROOT / "app" / "static").rglob("*.css")):
        text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), path.read_text(), flags=re.S)
        found += [f"{path.name}:{n}" for n, line in enumerate(text.splitlines(), 1) if PHYSICAL.search(line)]
    assert found == []


def test_templates_carry_no_inline_style_or_script() -> None:
    found = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if "emails" in path.parts:  # mail clients know no style sheets
            continue
        text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.S)
        text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "", text, flags=re.S)
        if re.search(r"\sstyle=|<style|\son[a-z]+=\"|<script(?![^>]*\ssrc=)", text):
            found.append(path.relative_to(ROOT).as_posix())
    assert found == []


FORBIDDEN_WORDS = ("child pornography", "child porn", "kiddie", "child prostitute")


@pytest.mark.rule("G12")
def test_templates_use_the_right_words() -> None:
    found = []
    for path in [*sorted((ROOT / "templates").rglob("*.*")), *APP]:
        text = path.read_text().lower()
        found += [f"{relative(path)}: {word}" for word in FORBIDDEN_WORDS if word in text]
    assert found == []
