"""Settings of the service; the only file that reads the environment."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.errors import IssueList

PREFIX: Final = "GRIDPILOT_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may choose; every field is read from ``GRIDPILOT_<FIELD>``.

    Parameters
    ----------
    database_url : str
        SQLAlchemy URL; a SQLite file unless given.
    api_host, api_port, ocpp_host, ocpp_port
        Where the HTTP API and the OCPP gateway listen; this machine only unless told otherwise.
    max_body_bytes : int
        Longer requests are refused unread.
    solver_threads : int
        Plans that are made at the same time.
    live_programs : int
        Sites whose program is kept alive between plans.
    plan_every_s : float
        A site with stations is planned again after this time even when nothing happened [s].
    station_key : str
        Common key of the stations that have none of their own; empty for none.
    ocpp_minimum_profile : int
        Lowest security profile that a station may use. 1: a password, 2: over TLS, 3: a client certificate.
        0 is a switch for a trusted network: a station without a key of its own comes in whatever it shows.
    ocpp_certificate, ocpp_certificate_key : str
        Files of the gateway's certificate with its chain, and of its key (PEM); several, for stations with and
        without elliptic curves, are parted by commas. Empty serves without TLS.
    ocpp_client_ca : str
        File of the authority whose certificates stations may show (PEM); empty: none.
    ocpp_organisation : str
        Organisation that a station's certificate must name; empty trusts every one of the authority.
    ocpp_signing_certificate, ocpp_signing_key : str
        Files of the authority that signs what stations ask for (SignCertificate), with the chain above it, and of
        its key (PEM); empty signs nothing.
    ocpp_plain_port : int
        With TLS, a second port without it, for stations of profile 1 that are on their way to a higher one; 0
        for none.
    ocpp_connections : int
        Stations that may be connected at a time.
    ocpp_own_urls : str
        Addresses of this central system as stations know it, parted by commas: they may be sent there.
    ocpp_file_urls : str
        Where firmware comes from and logs go to, parted by commas: nothing else is sent to a station.
    process_name : str
        Name of this process among those that stations connect to; the same one after each start.
    message_log : str
        Which messages of stations are logged: ``all``, ``notable`` (no heartbeats, no meter values that come
        alone) or ``nothing``.
    message_log_length : int
        Messages that are kept of each station.
    approver_keys : str
        Keys of those who may approve commands that one alone may not send, parted by commas; two must agree.
    data : pathlib.Path
        Folder with the public data sets that examples and studies read.
    peers : pathlib.Path
        Folder with the Python environments of rival packages that a benchmark compares with.
    """

    database_url: str = "sqlite:///gridpilot.sqlite"
    api_host: str = "127.0.0.1"
    api_port: int = 8000
    ocpp_host: str = "127.0.0.1"
    ocpp_port: int = 9000
    max_body_bytes: int = 8_000_000
    solver_threads: int = 2
    live_programs: int = 32
    plan_every_s: float = 300.0
    station_key: str = ""
    ocpp_minimum_profile: int = 1
    ocpp_certificate: str = ""
    ocpp_certificate_key: str = ""
    ocpp_client_ca: str = ""
    ocpp_organisation: str = ""
    ocpp_signing_certificate: str = ""
    ocpp_signing_key: str = ""
    ocpp_plain_port: int = 0
    ocpp_connections: int = 12_000
    ocpp_own_urls: str = ""
    ocpp_file_urls: str = ""
    process_name: str = "gridpilot"
    message_log: str = "all"
    message_log_length: int = 500
    approver_keys: str = ""
    data: Path = Path("../shared/data")
    peers: Path = Path("~/.cache/gridpilot/peers")

    @classmethod
    def from_environment(cls) -> "Settings":
        """Return the settings of this process.

        Raises
        ------
        InvalidInputError
            A variable does not hold what its field needs; names every one.
        """
        defaults = cls()
        issues = IssueList()
        values: dict[str, object] = {}
        for name in cls.__slots__:
            text = os.environ.get(PREFIX + name.upper())
            if text is None:
                continue
            kind = type(getattr(defaults, name))
            try:
                values[name] = kind(text)
            except ValueError:
                issues.add(PREFIX + name.upper(), f"{text!r} is not a valid {kind.__name__}")
        issues.raise_if_any()
        return cls(**values)  # type: ignore[arg-type]  # every value was made by its own field's type
