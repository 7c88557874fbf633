"""A request's body, within a limit: what is longer is refused unread."""

from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import BodyTooLargeError, problem

_LENGTH: Final = b"content-length"


class BodyLimit:
    """ASGI middleware that answers 413 to a request whose body is longer than ``max_bytes``."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless its length says enough; count what comes without a length."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._says_too_long(scope):
            error = BodyTooLargeError(self._max_bytes)
            response = problem(HTTPStatus(error.status_code), "body-too-large", str(error.detail))
            await response(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _says_too_long(self, scope: Scope) -> bool:
        lengths = [value for name, value in scope["headers"] if name == _LENGTH]
        return any(value.isdigit() and int(value) > self._max_bytes for value in lengths)

    def _counted(self, receive: Receive) -> Receive:
        n_bytes = 0

        async def counted() -> Message:
            nonlocal n_bytes
            message = await receive()
            n_bytes += len(message.get("body", b""))
            if n_bytes > self._max_bytes:
                raise BodyTooLargeError(self._max_bytes)
            return message

        return counted
