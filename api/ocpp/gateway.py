"""The OCPP gateway: a websocket server that stations connect to, on a port of its own."""

import asyncio
import logging
import secrets
import ssl
from collections.abc import Awaitable
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Final, Self

from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from api.ocpp.admission import Admitted, Doorkeeper, DoorSettings, HalfOpen
from api.ocpp.alarms import AlarmKind, Alarms, Flapping
from api.ocpp.capabilities import OcppVersion, StationCapabilities
from api.ocpp.dialects import DIALECTS
from api.ocpp.events import (
    BootDecision,
    Booted,
    Decision,
    HeartbeatReceived,
    MeterValuesReceived,
    RegistrationStatus,
    StationEvent,
    TransactionEnded,
)
from api.ocpp.frames import MAX_FRAME_BYTES
from api.ocpp.handshake import Caller, credentials_of, station_of_path
from api.ocpp.link import ACKNOWLEDGED, LinkHandler, StationLink
from api.ocpp.listener import Authenticator, StationListener, decide
from api.ocpp.pace import Pace
from api.ocpp.patience import call_patiently
from api.ocpp.registry import CallOutcome, Clock, Registry, utc_now
from api.ocpp.session import Session
from api.ocpp.session_events import CallAnswered, CallFailed, CallTimedOut, Oddity
from api.ocpp.session_state import SessionLimits
from api.ocpp.socket_roles import SocketSettings
from api.ocpp.socket_server import SocketServer
from api.ocpp.traffic import NobodyWatches, TrafficWatch
from api.ocpp.validation import MessageValidator
from api.ocpp.websocket import WebSocket
from models.units import NOMINAL_VOLTAGE_V

_LOG = logging.getLogger(__name__)

_SUBPROTOCOLS: Final = tuple(Subprotocol(version.value) for version in reversed(OcppVersion))
"""In the order of our preference."""

_CLOSE_NORMAL: Final = 1000
_CLOSE_GOING_AWAY: Final = 1001
_REPLACED: Final = "replaced by a newer connection"


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How the gateway listens and waits.

    Parameters
    ----------
    host : str
    port : int
        0 takes any free one.
    door : DoorSettings
        Who comes in, and where.
    tls : ssl.SSLContext or None
        None serves websockets without encryption.
    plain_port : int or None
        With TLS, a second port without it.
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
    door: DoorSettings = field(default_factory=DoorSettings)
    tls: ssl.SSLContext | None = None
    plain_port: int | None = None
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
    alarms : Alarms, optional
        Counts what goes wrong with stations, and tells it.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the parts that it joins
        self,
        listener: StationListener,
        authenticator: Authenticator,
        registry: Registry,
        settings: GatewaySettings = GatewaySettings(),
        clock: Clock = utc_now,
        watch: TrafficWatch | None = None,
        alarms: Alarms | None = None,
    ) -> None:
        self._listener = listener
        self.alarms = alarms or Alarms(clock)
        self._doorkeeper = Doorkeeper(authenticator, self.alarms, settings.door, self._has_room)
        self._half_open = HalfOpen(settings.door)
        self._flapping = Flapping()
        self._registry = registry
        self._settings = settings
        self._clock = clock
        self._validators = {version: MessageValidator(version) for version in OcppVersion}
        self._handler = LinkHandler(self._decide, self._answered, self._closed, watch or NobodyWatches())
        sockets = SocketSettings(
            _SUBPROTOCOLS,
            MAX_FRAME_BYTES,
            ping_interval_s=settings.ping_interval_s,
            open_timeout_s=settings.door.handshake_s,
        )
        self._server = SocketServer(self, sockets)
        self._plain_server = SocketServer(self, sockets)
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

    @property
    def n_half_open(self) -> int:
        """Number of connections whose hand-shake is not finished."""
        return len(self._half_open)

    async def start(self) -> None:
        """Begin to listen."""
        settings, encrypted = self._settings, {}
        if settings.tls is not None:
            encrypted = {"ssl": settings.tls, "ssl_handshake_timeout": settings.door.handshake_s}
        await self._server.start(settings.host, settings.port, backlog=settings.backlog, **encrypted)
        if settings.plain_port is not None:
            await self._plain_server.start(settings.host, settings.plain_port, backlog=settings.backlog)

    async def stop(self) -> None:
        """Close every connection, and wait until what they have begun is done."""
        await self._server.stop(_CLOSE_GOING_AWAY, "the gateway stops")
        await self._plain_server.stop(_CLOSE_GOING_AWAY, "the gateway stops")
        await asyncio.gather(*self._closing, return_exceptions=True)

    def entered(self, socket: WebSocket) -> bool:
        """Tell whether a connection may begin its hand-shake."""
        return self._half_open.enter(socket.address)

    def settled(self, socket: WebSocket) -> None:
        """Note that a hand-shake is over."""
        self._half_open.leave(socket.address)

    async def refusal(self, socket: WebSocket, request: Request) -> Response | None:
        """Return why a station may not connect."""
        decision = await self._doorkeeper.admit(_caller(socket, request))
        if isinstance(decision, Admitted):
            return None
        response = socket.respond(decision.status, decision.text)
        response.headers.update(decision.headers)
        return response

    def _has_room(self, station_id: str) -> bool:
        """Tell whether one more station can be served; one that comes back takes its own place."""
        is_known = self._registry.link(station_id) is not None
        return is_known or self._registry.n_links < self._settings.door.connections

    def opened(self, socket: WebSocket) -> StationLink:
        """Return the link of a connection that is open now; it takes the place of an older one."""
        link = self._new_link(socket)
        cautious = StationCapabilities(link.dialect.VERSION, voltage_v=self._settings.voltage_v)
        replaced = self._registry.attach(link.station_id, link, cautious)
        if isinstance(replaced, StationLink):
            _LOG.info("%s: %s", link.station_id, _REPLACED)
            replaced.close(_CLOSE_NORMAL, _REPLACED)
            self.alarms.sound(AlarmKind.REPLACED, link.station_id)
        self._note_arrival(link.station_id, socket)
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
        self.alarms.add_oddities(link.station_id, link.session.oddities)
        if link.was_given_up:
            self.alarms.sound(AlarmKind.GIVEN_UP, link.station_id)
        if self._registry.detach(link.station_id, link):
            await self._listener.disconnected(link.station_id)

    def _note_arrival(self, station_id: str, socket: WebSocket) -> None:
        """Note how a station has come in, and whether it does so again and again."""
        if socket.request is not None:
            shown = credentials_of(_caller(socket, socket.request), station_id)
            self._registry.note_profile(station_id, shown.profile)
        if self._flapping.came(station_id, asyncio.get_running_loop().time()):
            self.alarms.sound(AlarmKind.FLAPPING, station_id)

    def _new_link(self, socket: WebSocket) -> StationLink:
        """Return the link of a connection, with a conversation whose ids no other one has had."""
        version = OcppVersion(str(socket.subprotocol))
        target = "" if socket.request is None else socket.request.path
        station_id = str(station_of_path(target, self._settings.door.path))
        prefix = secrets.token_hex(6) + "-"
        noted = partial(_log_oddity, station_id)
        session = Session(DIALECTS[version], self._validators[version], self._settings.limits, prefix, noted)
        return StationLink(station_id, socket, session, self._handler, self._clock, self._settings.pace)

    def _decide(self, link: StationLink, event: StationEvent) -> Decision | Awaitable[Decision | None]:
        """Ask the listener; what needs no thought is decided at once."""
        match event:
            case MeterValuesReceived():
                stored = self._listener.meter_values(link.station_id, event)
                return ACKNOWLEDGED if stored is None else stored
            case HeartbeatReceived():
                return ACKNOWLEDGED
            case TransactionEnded():
                return self._decide_end(link, event)
        return decide(self._listener, link.station_id, event)

    async def _decide_end(self, link: StationLink, event: TransactionEnded) -> Decision:
        decision = await decide(self._listener, link.station_id, event)
        self._registry.note_transaction_ended(link.station_id, event.transaction_id)
        return decision

    def _answered(self, link: StationLink, event: StationEvent, decision: Decision) -> None:
        """After a boot, and after the first message without one, the station is asked what it can do."""
        if isinstance(event, Booted):
            firmware = event.firmware_version or ""
            self._registry.note_model(link.station_id, event.vendor, event.model, firmware)
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
        for query in link.dialect.encode_capability_queries():
            answer = await link.call(query)
            self._learn(link, answer)
            if not isinstance(answer, CallFailed):
                break  # only who has refused a long question may answer a short one
        if self._registry.link(link.station_id) is link and not link.is_closed:
            await self._listener.connected(link.station_id)
            if isinstance(answer, CallTimedOut):  # it was sent what is safe; it may tell later
                self._learn(link, await call_patiently(link, query))

    def _learn(self, link: StationLink, answer: CallOutcome) -> None:
        if isinstance(answer, CallAnswered):
            told = link.dialect.decode_capabilities(answer.payload, self._settings.voltage_v)
            self._registry.learn(link.station_id, told)


def _caller(socket: WebSocket, request: Request) -> Caller:
    """Return who has sent a request."""
    transport = socket.transport
    return Caller(
        request.path,
        tuple(request.headers.get_all("Authorization")),
        socket.address,
        is_encrypted=transport.get_extra_info("sslcontext") is not None,
        certificate=transport.get_extra_info("peercert"),
    )


def _log_oddity(station_id: str, oddity: Oddity, what: str) -> None:
    """Log the first oddity of a kind in a conversation; all are counted."""
    _LOG.info("%s: %s: %s", station_id, oddity.value, what)
