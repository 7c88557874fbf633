"""Who is at the door: the station's identity from the path, its password from the header."""

import base64
import binascii
import hmac
import re
from typing import Final
from urllib.parse import unquote, urlsplit

_IDENTITY: Final = re.compile(r"[A-Za-z0-9*\-_=:+|@.]{1,48}")
"""Characters and length of an identity (OCPP 2.0.1 part 4; 1.6 stations keep to it as well)."""

_SCHEME: Final = "basic "


def station_of_path(target: str, prefix: str) -> str | None:
    """Return the identity in ``{prefix}/{identity}``; None for any other path, and for what is no identity."""
    path = urlsplit(target).path
    if not path.startswith(f"{prefix}/"):
        return None
    identity = unquote(path.removeprefix(f"{prefix}/"))
    return identity if _IDENTITY.fullmatch(identity) and identity.strip(".") else None


def password_of_header(header: str | None, station_id: str) -> bytes | None:
    """Return the password of HTTP Basic authentication; None unless the user is the station (A00.FR.204)."""
    if header is None or not header.lower().startswith(_SCHEME):
        return None
    try:
        decoded = base64.b64decode(header[len(_SCHEME) :].strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, password = decoded.partition(b":")
    return password if colon and hmac.compare_digest(user, station_id.encode()) else None
