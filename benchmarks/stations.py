"""Virtual charging stations: OCPP clients over real websockets that obey what they are sent.

A station knows its plugs, its meters and its profiles, and nothing of the engine. The world around it (cars,
currents, time) calls :meth:`VirtualStation.plug`, :meth:`~VirtualStation.unplug` and
:meth:`~VirtualStation.tick`, and reads the pilot that it gives to each car.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from benchmarks.station_profiles import MemoryLimits, ProfileMemory
from benchmarks.station_socket import StationSocket, Traffic
from benchmarks.station_words import Moment, Payload, PlugState, Reading, Saying, Words
from models.grid.site import Evse
from models.units import MIN_AC_CURRENT_A, TOLERANCE_A

Clock: TypeAlias = Callable[[], datetime]

_DRAWS_A: Final = 0.1


@dataclass(frozen=True, slots=True)
class StationSettings:
    """How a station behaves.

    Parameters
    ----------
    meter_every : timedelta
        Time between meter values of a transaction.
    memory : MemoryLimits
        What it can keep of profiles.
    """

    meter_every: timedelta = timedelta(minutes=1)
    memory: MemoryLimits = field(default_factory=MemoryLimits)


@dataclass(slots=True)
class _Visit:
    """A car at the plug: its driver's token, and its transaction once that runs."""

    token: str
    transaction_id: str = ""
    sequence: int = 0
    is_running: bool = False
    is_over: bool = False


@dataclass(slots=True)
class _Place:
    """One EVSE of the station."""

    number: int
    evse: Evse
    state: PlugState = PlugState.AVAILABLE
    reading: Reading = field(default_factory=Reading)
    visit: _Visit | None = None
    metered_at: datetime | None = None


class VirtualStation:
    """One charging station.

    Parameters
    ----------
    station_id : str
    evses : sequence of Evse
        Its EVSEs 1, 2, ...
    words : Words
        The version of OCPP that it speaks.
    clock : callable
        The station's clock.
    settings : StationSettings or None
    """

    def __init__(
        self,
        station_id: str,
        evses: Sequence[Evse],
        words: Words,
        clock: Clock,
        settings: StationSettings | None = None,
    ) -> None:
        self.station_id = station_id
        self.words = words
        self._settings = settings or StationSettings()
        self.memory = ProfileMemory(len(evses), self._settings.memory)
        self.n_profiles = 0
        self._clock = clock
        self._places = [_Place(number, evse) for number, evse in enumerate(evses, start=1)]
        self._socket = StationSocket(station_id, words.subprotocol, self._obey)
        self._say = self._socket.say
        self._n_transactions = 0
        self._heartbeat_every = timedelta(minutes=5)
        self._heartbeat_due: datetime | None = None

    async def connect(self, url: str) -> None:
        """Connect to ``{url}/{identity}`` and boot; what was not said before is said after that."""
        await self._socket.connect(url, self.words.boot(self.station_id), self._on_boot)

    async def close(self) -> None:
        """Drop the connection; profiles and transactions stay."""
        await self._socket.close()

    @property
    def n_unsaid(self) -> int:
        """Messages that wait for their turn or their answer."""
        return self._socket.n_unsaid

    @property
    def traffic(self) -> Traffic:
        """Messages so far."""
        return self._socket.traffic

    # --- the world --------------------------------------------------------------------------------

    def plug(self, evse_number: int, token: str) -> None:
        """Take a car; its driver shows a token.

        Raises
        ------
        ValueError
            The EVSE is occupied.
        """
        place = self._place(evse_number)
        if place.visit is not None:
            raise ValueError(f"{self.station_id} EVSE {evse_number} is occupied")
        visit = place.visit = _Visit(token)
        self._enter(place, PlugState.PREPARING)

        def on_authorized(answer: Payload) -> None:
            if self.words.is_accepted(answer) and not visit.is_over:
                self._start(place, visit)

        self._say(self.words.authorize(token), on_authorized)

    def unplug(self, evse_number: int) -> None:
        """Let the car go; its transaction ends."""
        place = self._place(evse_number)
        if place.visit is not None:
            self._stop(place, place.visit, by_car=False)
        place.visit = None
        self._enter(place, PlugState.AVAILABLE)

    def pilot_a(self, evse_number: int) -> float:
        """Return what the car may draw on each phase now [A]: nothing before its transaction runs."""
        place = self._place(evse_number)
        visit = place.visit
        if visit is None or not visit.is_running or visit.is_over:
            return 0.0
        now = self._clock()
        active = sum(1 for p in self._places if p.visit is not None and p.visit.is_running)
        return min(
            place.evse.max_current_a,
            self.memory.evse_limit_a(evse_number, now, visit.transaction_id),
            self.memory.station_limit_a(now) / active,
        )

    def tick(self, readings: Mapping[int, Reading]) -> None:
        """Note what the meters show at each EVSE, and say what there is to say about it."""
        now = self._clock()
        for number, reading in readings.items():
            place = self._place(number)
            place.reading = reading
            if place.visit is not None and place.visit.is_running and not place.visit.is_over:
                self._follow(place, place.visit, now)
        if self._heartbeat_due is not None and now >= self._heartbeat_due:
            self._heartbeat_due = now + self._heartbeat_every
            self._say(Saying("Heartbeat", {}))

    def say(self, saying: Saying, on_answer: Callable[[Payload], None]) -> None:
        """Say something else, when what is to be said before it is answered."""
        self._say(saying, on_answer)

    def state(self, evse_number: int) -> PlugState:
        """Return the state of an EVSE."""
        return self._place(evse_number).state

    # --- transactions -----------------------------------------------------------------------------

    def _start(self, place: _Place, visit: _Visit) -> None:
        self._n_transactions += 1
        visit.transaction_id = f"{self.station_id}-{self._n_transactions}"
        begun = self._moment(place, visit)

        def on_started(answer: Payload) -> None:
            visit.transaction_id = self.words.transaction_of(begun, answer)
            if visit.is_over:  # left while the answer was on its way
                self._say(self.words.stop(self._moment(place, visit), by_car=False))
                return
            visit.is_running = True
            place.metered_at = self._clock()

        self._say(self.words.start(begun), on_started)

    def _stop(self, place: _Place, visit: _Visit, *, by_car: bool) -> None:
        if visit.is_over:
            return
        visit.is_over = True
        if visit.is_running:
            self._say(self.words.stop(self._moment(place, visit), by_car=by_car))
            self.memory.end_transaction(visit.transaction_id)

    def _follow(self, place: _Place, visit: _Visit, now: datetime) -> None:
        """Tell the meter values that are due, and a state that has changed; a full car ends its transaction."""
        if place.reading.is_full:
            self._stop(place, visit, by_car=True)
            self._enter(place, PlugState.FINISHING)
            return
        state = self._charging_state(place)
        if state is not place.state:
            place.state = state
            self._say(self.words.state_changed(self._moment(place, visit)))
        if place.metered_at is None or now - place.metered_at >= self._settings.meter_every:
            place.metered_at = now
            self._say(self.words.meter(self._moment(place, visit)))

    def _charging_state(self, place: _Place) -> PlugState:
        if max(place.reading.current_a) > _DRAWS_A:
            return PlugState.CHARGING
        paused = self.pilot_a(place.number) < MIN_AC_CURRENT_A - TOLERANCE_A
        return PlugState.PAUSED_BY_STATION if paused else PlugState.PAUSED_BY_CAR

    def _moment(self, place: _Place, visit: _Visit) -> Moment:
        """Return the EVSE as it is now, with the next number of its transaction's messages."""
        moment = Moment(
            at=self._clock(),
            evse_number=place.number,
            transaction_id=visit.transaction_id,
            token=visit.token,
            sequence=visit.sequence,
            state=place.state,
            reading=place.reading,
            offered_a=self.pilot_a(place.number),
        )
        visit.sequence += 1
        return moment

    def _enter(self, place: _Place, state: PlugState) -> None:
        """Take a new state and say so."""
        place.state = state
        self._say(self.words.status(self._clock(), place.number, state))

    def _place(self, evse_number: int) -> _Place:
        return self._places[evse_number - 1]

    # --- what it is asked ---------------------------------------------------------------------------------

    def _on_boot(self, answer: Payload) -> None:
        self._heartbeat_every = timedelta(seconds=answer["interval"] or 300)
        self._heartbeat_due = self._clock() + self._heartbeat_every
        for place in self._places:
            self._say(self.words.status(self._clock(), place.number, place.state))

    def _obey(self, action: str, payload: Payload) -> Payload | None:
        """Do what the central system asks; None where the station cannot."""
        match action:
            case "SetChargingProfile":
                return self._keep_profile(payload)
            case "ClearChargingProfile":
                cleared = self.memory.clear(self.words.selection_in(payload))
                return {"status": "Accepted" if cleared else "Unknown"}
            case _:
                return self.words.capabilities(action, payload, self.memory.limits)

    def _keep_profile(self, payload: Payload) -> Payload:
        profile = self.words.profile_in(payload)
        running = {
            place.number: place.visit.transaction_id
            for place in self._places
            if place.visit is not None and place.visit.is_running and not place.visit.is_over
        }
        reason = self.memory.refusal(profile, running)
        if reason is None:
            self.memory.keep(profile)
            self.n_profiles += 1
        return self.words.profile_answer(reason)
