"""Those who use a websocket of ours in tests: they note what comes."""

import asyncio

from websockets.typing import Subprotocol

from api.ocpp.socket_roles import SocketSettings

PATIENCE_S = 60.0
MAX_BYTES = 1000
SETTINGS = SocketSettings((Subprotocol("ocpp1.6"),), MAX_BYTES, close_timeout_s=PATIENCE_S)


class User:
    """Notes what comes."""

    def __init__(self, socket):
        self.socket = socket
        self.messages = []
        self.news = asyncio.Event()
        self.is_gone = asyncio.Event()
        self.echoes = False
        self.pauses = []

    def received(self, message):
        self.messages.append(message)
        self.news.set()
        if self.echoes:
            self.socket.send(message)
        if message == "ill":
            raise RuntimeError("the application is ill")

    def writing_paused(self):
        self.pauses.append(True)

    def writing_resumed(self):
        self.pauses.append(False)

    def closed(self):
        self.is_gone.set()

    async def has(self, n_messages):
        async with asyncio.timeout(PATIENCE_S):
            while len(self.messages) < n_messages:
                self.news.clear()
                await self.news.wait()


class Owner:
    def __init__(self):
        self.users = []
        self.n_entered = self.n_settled = 0

    def entered(self, _socket):
        self.n_entered += 1
        return True

    def settled(self, _socket):
        self.n_settled += 1

    async def refusal(self, socket, request):
        await asyncio.sleep(0)
        if request.path == "/broken":
            raise RuntimeError("the authenticator is ill")
        return socket.respond(429, "later\n") if request.path == "/busy" else None

    def opened(self, socket):
        self.users.append(User(socket))
        return self.users[-1]


async def user_of(owner):
    await until(lambda: owner.users)
    return owner.users[-1]


async def until(is_so):
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0)
