"""Requests made from the API's own document, right and wrong: the answers are what the document says, never an error of ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app import create_app
from tests.conftest import close, make_settings, migrate
from tests.hostile import tries
from tests.house.world import World, build

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, World]]:
    """An application with one of everything."""
    directory = tmp_path_factory.mktemp("fuzz")
    app = create_app(make_settings(directory, f"sqlite:///{directory / 'fuzz.db'}"))
    migrate(app)
    with app.app_context():
        world = build()
    yield app, world
    close(app)


@pytest.mark.rule("A4")
@pytest.mark.parametrize("caller", ["anonymous", "supporter", "owner"])
def test_every_operation_answers_as_the_document_says(served: tuple[Flask, World], caller: str) -> None:
    app, world = served
    headers = {"Authorization": f"Bearer {world.tokens[caller]}"} if caller in world.tokens else {}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        right, wrong = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

        @tries(4)
        @given(case=right | wrong, real=st.booleans())
        def ask(case: schemathesis.Case, real: bool) -> None:
            for name in case.path_parameters or {}:
                if real and name in world.values:
                    # Half of the requests are about something that is there, so that they come to the code behind.
                    is_fundraiser = name == "slug" and "/fundraisers/" in case.path
                    case.path_parameters[name] = world.values["fundraiser_slug" if is_fundraiser else name]
            answer = case.call(headers=headers)
            case.validate_response(answer, checks=CHECKS)

        ask()
        asked += 1
    assert asked > 40


def test_the_document_tells_every_operation_who_may_call_and_what_can_go_wrong(served: tuple[Flask, World]) -> None:
    app, _world = served
    document = app.test_client().get("/api/v1/openapi.json").json
    assert document is not None
    names = set()
    for path, operations in document["paths"].items():
        for method in set(operations) & {"get", "post", "patch"}:
            operation = operations[method]
            names.add(operation["operationId"])
            assert operation["security"], path
            for status, said in operation["responses"].items():
                assert status.isdigit()
                if status >= "400":
                    assert list(said["content"]) == ["application/problem+json"], (path, method, status)
            if method == "post":
                assert "Idempotency-Key" in [parameter.get("name") for parameter in operation["parameters"]]
    gift = document["paths"]["/api/v1/fundraisers/{slug}/donations"]["post"]["responses"]
    assert {"201", "409", "422", "503"} <= set(gift)
    assert len(names) == sum(
        len(set(operations) & {"get", "post", "patch"}) for operations in document["paths"].values()
    )
