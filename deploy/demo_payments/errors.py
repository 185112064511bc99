"""Stripe's errors as it writes them (https://docs.stripe.com/api/errors, https://docs.stripe.com/error-codes)."""

from __future__ import annotations

from typing import Any

API_VERSION = "2026-10-28.endive"


class ApiError(Exception):
    """An answer of Stripe that is not 2xx. `kept` when Stripe saves it under the request's idempotency key;
    `on_purpose` when nothing is wrong with the request: a fault, or a card that is declined."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        kept: bool = False,
        on_purpose: bool = False,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        self.on_purpose = on_purpose
        self.headers = headers or {}
        self.body: dict[str, Any] = {"message": message, "type": kind}
        if code is not None:
            self.body |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"}
        if param is not None:
            self.body["param"] = param

    def as_json(self) -> dict[str, Any]:
        """The whole body of the answer."""
        return {"error": self.body}


def missing(kind: str, object_id: str, param: str) -> ApiError:
    """The answer to an id that nothing has."""
    quoted = object_id if kind == "checkout.session" else f"'{object_id}'"
    return ApiError(f"No such {kind}: {quoted}", status=404, code="resource_missing", param=param)
