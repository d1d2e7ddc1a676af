"""A Starlette application that is asked without a server: the loop runs while something is asked, and then stands."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from starlette.applications import Starlette

R = TypeVar("R")


class Site:
    """An application for as long as its lifespan lasts, and whoever asks it."""

    def __init__(self, app: Starlette) -> None:
        self.app = app
        self._runner = asyncio.Runner()
        self._lifespan = app.router.lifespan_context(app)
        # What the application raises is a 500 here, as it is behind a server.
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://site")

    def __enter__(self) -> Self:
        self._runner.__enter__()
        self.run(self._lifespan.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.run(self._client.aclose())
            self.run(self._lifespan.__aexit__(None, None, None))
        finally:
            self._runner.__exit__(kind, error, traceback)

    def run(self, coroutine: Coroutine[Any, Any, R]) -> R:
        """Have the loop do this."""
        return self._runner.run(coroutine)

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request and its answer."""
        return self.run(self._client.request(method, path, **request))

    def ask_at_once(self, *requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
        """Many requests that race, and their answers in this order."""

        async def race() -> list[httpx.Response]:
            asked = (self._client.request(method, path, **request) for method, path, request in requests)
            return await asyncio.gather(*asked)

        return self.run(race())
