"""Certificates of stations: what they ask to have signed goes to a signer, and comes back to them."""

import logging
from typing import Protocol

from api.ocpp.notices import CertificateRequested
from api.ocpp.registry import Registry
from api.ocpp.session_events import CallAnswered

_log = logging.getLogger(__name__)


class CertificateSigner(Protocol):
    """An authority that signs certificates, such as a company's own."""

    async def sign(self, station_id: str, request: CertificateRequested) -> str | None:
        """Return the chain of the signed certificate, PEM, its own first; None where it is not signed.

        Whoever signs checks that the request names this station (A02.FR.06).
        """


async def sign_and_send(
    signer: CertificateSigner, registry: Registry, station_id: str, request: CertificateRequested
) -> bool:
    """Have a certificate signed, and send it to its station; tell whether the station has taken it."""
    chain = await signer.sign(station_id, request)
    link = registry.link(station_id)
    if chain is None or link is None:
        _log.warning("%s: no certificate is sent: %s", station_id, "not signed" if link else "it has gone")
        return False
    answer = await link.call(link.dialect.encode_signed_certificate(request, chain))
    is_taken = isinstance(answer, CallAnswered) and answer.payload.get("status") == "Accepted"
    if not is_taken:
        _log.warning("%s: did not take its certificate: %s", station_id, answer)
    return is_taken
