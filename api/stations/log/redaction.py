"""What nobody may read in a log is left out of it: drivers' tokens, keys, certificates, contract data.

The names of members decide, in any version of OCPP and at any depth, also in JSON that stands as text within a
DataTransfer. Of a token its last two characters stay, so that two can be told apart.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

HIDDEN: Final = "***"

_TOKENS: Final = frozenset({"idtag", "parentidtag", "idtoken", "emaid", "emaids", "evccid"})
_SECRETS: Final = frozenset(
    {
        "apnpassword",
        "apnusername",
        "authorizationkey",
        "basicauthpassword",
        "certificate",
        "certificatechain",
        "contractcertificatechain",
        "csr",
        "customercertificate",
        "customeridentifier",
        "dhpublickey",
        "encodedmeterdata",
        "exirequest",
        "exiresponse",
        "iccid",
        "imsi",
        "ocspresponsedata",
        "ocspresult",
        "password",
        "privatekey",
        "publickey",
        "signature",
        "signeddata",
        "signedmeterdata",
        "signedmetervalue",
        "signingcertificate",
        "simpin",
        "token",
        "vatnumber",
        "vpn",
    }
)
_SECRET_VARIABLE: Final = re.compile(r"key$|passw|secret|pin$|token$", re.IGNORECASE)
_VALUES: Final = frozenset({"value", "attributevalue", "actualvalue"})
_KEPT: Final = frozenset({"type", "status", "hashAlgorithm", "cacheExpiryDateTime", "certificateType"})
"""Words of the protocol beside a secret: they tell nothing, and whoever reads needs them."""

_ALL_SECRET: Final = frozenset({"NotifyCustomerInformation"})
"""Messages that carry what is known of a person."""

_SUSPICIOUS: Final = (
    *("token", "idtag", "emaid", "evccid", "key", "passw", "certificate", "csr", "exire", "ocsp", "sign"),
    *("iccid", "imsi", "secret", "pin", "vat", "customer", "begin", "://", "\\u", "apn", "vpn"),
)
"""A frame with none of these, and without a long code, hides nothing and is logged as it is: it is not even parsed.

One search for each takes 10 us for a MeterValues, where one expression for all that ignores case takes 70.
"""

_LONG: Final = 200
_CODE: Final = re.compile(r"-----BEGIN [A-Z0-9 ]+-----|[A-Za-z0-9+/=_-]{200,}")
_SHORT: Final = 8
_SHOWN: Final = 2


def redacted(text: str) -> str:
    """Return a frame as it may be read: unchanged where nothing is secret."""
    if not _may_hide(text):
        return text
    try:
        frame = json.loads(text)
        if isinstance(frame, list) and any(isinstance(word, str) and word in _ALL_SECRET for word in frame):
            clean = [_hidden(part, HIDDEN) if isinstance(part, dict) else part for part in frame]
        else:
            clean = _clean(frame)
    except (ValueError, RecursionError):
        return f"{HIDDEN} {len(text)} characters that are no JSON"
    return json.dumps(clean, ensure_ascii=False, separators=(",", ":"))


def _may_hide(text: str) -> bool:
    """Tell whether a frame may have something to hide; a long code can only stand between two quotes."""
    low = text.lower()
    return any(word in low for word in _SUSPICIOUS) or max(map(len, text.split('"'))) >= _LONG


def redacted_document(action: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload as it may be read."""
    clean: dict[str, Any] = _hidden(document, HIDDEN) if action in _ALL_SECRET else _clean(document)
    return clean


def shortened(token: str) -> str:
    """Return the end of a token: enough to tell two apart; of a short one nothing."""
    return f"{HIDDEN}{token[-_SHOWN:]}" if len(token) >= _SHORT else HIDDEN


def _clean(value: Any, *, in_secret: bool = False) -> Any:  # noqa: ANN401 - any JSON
    """Return a value without its secrets; ``in_secret`` where it belongs to a variable that is one."""
    match value:
        case dict():
            in_secret = in_secret or _is_of_secret_variable(value)
            return {name: _member(name, member, in_secret=in_secret) for name, member in value.items()}
        case list():
            return [_clean(element, in_secret=in_secret) for element in value]
        case str():
            return _text(value)
        case _:
            return value


def _member(name: str, value: Any, *, in_secret: bool) -> Any:  # noqa: ANN401 - any JSON
    low = name.lower()
    if low in _TOKENS:
        return _hidden(value, None)
    if low in _SECRETS or (in_secret and low in _VALUES):
        return _hidden(value, HIDDEN)
    if low == "data" and isinstance(value, str):
        return _transferred(value)
    return _clean(value, in_secret=in_secret)


def _is_of_secret_variable(record: Mapping[str, Any]) -> bool:
    """Tell whether a record sets or shows a variable whose value is a secret."""
    variable = record.get("variable")
    names = (record.get("key"), variable.get("name") if isinstance(variable, dict) else None)
    return any(isinstance(name, str) and _SECRET_VARIABLE.search(name) for name in names)


def _hidden(value: Any, shown: str | None) -> Any:  # noqa: ANN401 - any JSON
    """Hide every text and number below a value; the shape of the message can still be seen.

    Where ``shown`` is None a long text keeps its end.
    """
    match value:
        case dict():
            return {n: v if n in _KEPT else _hidden(v, shown) for n, v in value.items()}
        case list():
            return [_hidden(element, shown) for element in value]
        case str() if shown is None:
            return shortened(value)
        case bool() | None:
            return value
        case _:
            return HIDDEN


def _transferred(text: str) -> str:
    """Return what a DataTransfer carries: JSON is looked into."""
    try:
        inner = json.loads(text)
    except (ValueError, RecursionError):
        return _text(text)
    if isinstance(inner, dict | list):
        return json.dumps(_clean(inner), ensure_ascii=False, separators=(",", ":"))
    return _text(text)


def _text(text: str) -> str:
    """Return a text without certificates and long codes, and a URL without its user and its query."""
    if _CODE.search(text):
        return f"{HIDDEN} {len(text)} characters"
    if "://" not in text:
        return text
    try:
        parts = urlsplit(text)
        _, is_login, host = parts.netloc.rpartition("@")
        query = HIDDEN if parts.query else ""
        return urlunsplit((parts.scheme, f"{HIDDEN}@{host}" if is_login else host, parts.path, query, ""))
    except ValueError:
        return HIDDEN
