"""The OCPP gateway: a websocket server that stations connect to, on a port of its own."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from api.ocpp.capabilities import OcppVersion, StationCapabilities
from api.ocpp.dialects import DIALECTS
from api.ocpp.events import (
    Acknowledgement,
    BootDecision,
    Decision,
    HeartbeatReceived,
    MeterValuesReceived,
    RegistrationStatus,
    StationEvent,
    TransactionEnded,
)
from api.ocpp.frames import MAX_FRAME_BYTES
from api.ocpp.handshake import password_of_header, station_of_path
from api.ocpp.link import LinkHandler, StationLink
from api.ocpp.listener import Authenticator, StationListener, decide
from api.ocpp.pace import Pace
from api.ocpp.registry import Clock, Registry, utc_now
from api.ocpp.session import Session
from api.ocpp.session_events import CallAnswered, Oddity
from api.ocpp.session_state import SessionLimits
from api.ocpp.socket_server import SocketServer
from api.ocpp.traffic import NobodyWatches, TrafficWatch
from api.ocpp.validation import MessageValidator
from api.ocpp.websocket import SocketSettings, WebSocket
from models.units import NOMINAL_VOLTAGE_V

_LOG = logging.getLogger(__name__)

_SUBPROTOCOLS: Final = tuple(Subprotocol(version.value) for version in reversed(OcppVersion))
"""In the order of our preference."""

_CLOSE_NORMAL: Final = 1000
_CLOSE_GOING_AWAY: Final = 1001
_REPLACED: Final = "replaced by a newer connection"
_ACKNOWLEDGED: Final = Acknowledgement()


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How the gateway listens and waits.

    Parameters
    ----------
    host : str
    port : int
        0 takes any free one.
    path : str
        Stations connect to ``{path}/{identity}``.
    settle_s : float
        A station that says nothing for so long after it has connected is taken for one that has come back
        without a boot [s].
    ping_interval_s : float
        Time between pings, and the longest wait for their answer [s].
    voltage_v : float
        Nominal voltage of the stations [V].
    limits : SessionLimits
    pace : Pace
        How fast one station may talk.
    backlog : int
        Connections that wait to be taken: after an outage all come at once.
    """

    host: str = "127.0.0.1"
    port: int = 9000
    path: str = "/ocpp"
    settle_s: float = 5.0
    ping_interval_s: float = 30.0
    voltage_v: float = NOMINAL_VOLTAGE_V
    limits: SessionLimits = field(default_factory=SessionLimits)
    pace: Pace = field(default_factory=Pace)
    backlog: int = 4096


class Gateway:
    """Serves stations of every version, and tells a listener what they say.

    Parameters
    ----------
    listener : StationListener
    authenticator : Authenticator
    registry : Registry
        Shared with those who send commands.
    settings : GatewaySettings
    clock : Clock
        What stations are told the time is.
    watch : TrafficWatch, optional
        Is shown every frame.
    """

    def __init__(
        self,
        listener: StationListener,
        authenticator: Authenticator,
        registry: Registry,
        settings: GatewaySettings = GatewaySettings(),
        clock: Clock = utc_now,
        watch: TrafficWatch | None = None,
    ) -> None:
        self._listener = listener
        self._authenticator = authenticator
        self._registry = registry
        self._settings = settings
        self._clock = clock
        self._validators = {version: MessageValidator(version) for version in OcppVersion}
        self._handler = LinkHandler(self._decide, self._answered, self._closed, watch or NobodyWatches())
        self._server = SocketServer(
            self,
            SocketSettings(_SUBPROTOCOLS, MAX_FRAME_BYTES, ping_interval_s=settings.ping_interval_s),
        )
        self._closing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port that is listened on.

        Raises
        ------
        RuntimeError
            The gateway is not started.
        """
        return self._server.port

    async def start(self) -> None:
        """Begin to listen."""
        await self._server.start(self._settings.host, self._settings.port, backlog=self._settings.backlog)

    async def stop(self) -> None:
        """Close every connection, and wait until what they have begun is done."""
        await self._server.stop(_CLOSE_GOING_AWAY, "the gateway stops")
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def refusal(self, socket: WebSocket, request: Request) -> Response | None:
        """Return why a station may not connect; unknown station and wrong password look the same."""
        station_id = station_of_path(request.path, self._settings.path)
        if station_id is None:
            return socket.respond(HTTPStatus.NOT_FOUND, "no such path\n")
        password = password_of_header(_authorization(request), station_id)
        if await self._authenticator.authenticate(station_id, password):
            return None
        response = socket.respond(HTTPStatus.UNAUTHORIZED, "not authorised\n")
        response.headers["WWW-Authenticate"] = 'Basic realm="ocpp"'
        return response

    def opened(self, socket: WebSocket) -> StationLink:
        """Return the link of a connection that is open now; it takes the place of an older one."""
        link = self._new_link(socket)
        cautious = StationCapabilities(link.dialect.VERSION, voltage_v=self._settings.voltage_v)
        replaced = self._registry.attach(link.station_id, link, cautious)
        if isinstance(replaced, StationLink):
            _LOG.info("%s: %s", link.station_id, _REPLACED)
            replaced.close(_CLOSE_NORMAL, _REPLACED)
        loop = asyncio.get_running_loop()
        link.silence = loop.call_later(self._settings.settle_s, self._introduce_once, link)
        return link

    def _closed(self, link: StationLink) -> None:
        """Let a connection that has ended finish, and tell the listener."""
        if link.silence is not None:
            link.silence.cancel()
        task = asyncio.create_task(self._part_with(link))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _part_with(self, link: StationLink) -> None:
        await link.finish()
        if self._registry.detach(link.station_id, link):
            await self._listener.disconnected(link.station_id)

    def _new_link(self, socket: WebSocket) -> StationLink:
        """Return the link of a connection, with a conversation whose ids no other one has had."""
        version = OcppVersion(str(socket.subprotocol))
        target = "" if socket.request is None else socket.request.path
        station_id = str(station_of_path(target, self._settings.path))
        prefix = uuid.uuid4().hex[:12] + "-"
        noted = partial(_log_oddity, station_id)
        session = Session(DIALECTS[version], self._validators[version], self._settings.limits, prefix, noted)
        return StationLink(station_id, socket, session, self._handler, self._clock, self._settings.pace)

    def _decide(self, link: StationLink, event: StationEvent) -> Decision | Awaitable[Decision | None]:
        """Ask the listener; what needs no thought is decided at once."""
        match event:
            case MeterValuesReceived():
                stored = self._listener.meter_values(link.station_id, event)
                return _ACKNOWLEDGED if stored is None else stored
            case HeartbeatReceived():
                return _ACKNOWLEDGED
            case TransactionEnded():
                return self._decide_end(link, event)
        return decide(self._listener, link.station_id, event)

    async def _decide_end(self, link: StationLink, event: TransactionEnded) -> Decision:
        decision = await decide(self._listener, link.station_id, event)
        self._registry.note_transaction_ended(link.station_id, event.transaction_id)
        return decision

    def _answered(self, link: StationLink, _: StationEvent, decision: Decision) -> None:
        """After a boot, and after the first message without one, the station is asked what it can do."""
        if not isinstance(decision, BootDecision):
            self._introduce_once(link)
        elif decision.status is RegistrationStatus.ACCEPTED:
            link.is_introduced = False
            self._introduce_once(link)
        else:
            link.is_introduced = True  # a station that is not accepted is not asked anything

    def _introduce_once(self, link: StationLink) -> None:
        """Ask a new station what it can do, then tell the listener that it is there."""
        if not link.is_introduced:
            link.is_introduced = True
            link.spawn(self._introduce(link))

    async def _introduce(self, link: StationLink) -> None:
        answer = await link.call(link.dialect.encode_capability_query())
        if isinstance(answer, CallAnswered):
            told = link.dialect.decode_capabilities(answer.payload, self._settings.voltage_v)
            self._registry.learn(link.station_id, told)
        if self._registry.link(link.station_id) is link and not link.is_closed:
            await self._listener.connected(link.station_id)


def _authorization(request: Request) -> str | None:
    """Return the header of HTTP Basic authentication; a request with two of them has none."""
    headers = request.headers.get_all("Authorization")
    return headers[0] if len(headers) == 1 else None


def _log_oddity(station_id: str, oddity: Oddity, what: str) -> None:
    """Log the first oddity of a kind in a conversation; all are counted."""
    _LOG.info("%s: %s: %s", station_id, oddity.value, what)
