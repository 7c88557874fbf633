"""What the process knows that a station is connected to, beside what is stored."""

from api.stations.documents import document_of
from api.stations.network import ChargingNetwork
from api.stations.state.limits import present_limits
from api.stations.state.queries import Known
from api.stations.state.schemas import Live


def live_of(known: Known, network: ChargingNetwork) -> Live:
    """Return the present limits of a station, the profiles that it is believed to hold, and its last ping."""
    station_id = known.station.station_id
    record, link = network.registry.record(station_id), network.registry.link(station_id)
    if record is None:
        return Live()
    running = {row.evse_number: row.transaction_id for row in known.running if row.evse_number > 0}
    evses = {one.evse_number for one in known.connectors}
    limits_a = present_limits(record.capabilities, record.installed, running, evses, network.now)
    ping_s = getattr(link, "latency_s", None)
    return Live(limits_a, tuple(map(document_of, record.installed)), ping_s)
