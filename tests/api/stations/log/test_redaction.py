"""A log that an operator reads shows what was said, and nothing that opens a door or names a person."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.stations.log.frames import FrameKind, head_of
from api.stations.log.redaction import HIDDEN, redacted, redacted_document

PEM = "-----BEGIN CERTIFICATE-----\nMIIB" + "A" * 40
SECRET = "s3cr3t-s3cr3t-s3cr3t"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)

SECRETS = {
    "1.6 Authorize": ["Authorize", {"idTag": SECRET}],
    "1.6 SendLocalList": [
        "SendLocalList",
        {"localAuthorizationList": [{"idTag": SECRET, "idTagInfo": {"parentIdTag": SECRET}}]},
    ],
    "1.6 ChangeConfiguration": ["ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET}],
    "1.6 GetConfiguration": [{"configurationKey": [{"key": "AuthorizationKey", "value": SECRET}]}],
    "1.6 BootNotification": ["BootNotification", {"chargePointVendor": "V", "iccid": SECRET, "imsi": SECRET}],
    "1.6 SignCertificate": ["SignCertificate", {"csr": PEM + SECRET}],
    "1.6 GetDiagnostics": ["GetDiagnostics", {"location": f"ftp://user:{SECRET}@host/logs?sig={SECRET}"}],
    "1.6 DataTransfer": ["DataTransfer", {"vendorId": "V", "data": json.dumps({"idToken": SECRET})}],
    "2.x SetVariables": [
        "SetVariables",
        {"setVariableData": [{"attributeValue": SECRET, "variable": {"name": "BasicAuthPassword"}}]},
    ],
    "2.x NotifyReport": [
        "NotifyReport",
        {"reportData": [{"variable": {"name": "SharedSecret"}, "variableAttribute": [{"value": SECRET}]}]},
    ],
    "2.x SetNetworkProfile": [
        "SetNetworkProfile",
        {"connectionData": {"vpn": {"key": SECRET, "password": SECRET}, "apn": {"apnPassword": SECRET}}},
    ],
    "2.x TransactionEvent": [
        "TransactionEvent",
        {"idToken": {"idToken": SECRET, "additionalInfo": [{"additionalIdToken": SECRET}]}},
    ],
    "2.x Get15118EVCertificate": ["Get15118EVCertificate", {"exiRequest": SECRET}],
    "2.x NotifyCustomerInformation": ["NotifyCustomerInformation", {"data": f"Anna {SECRET}"}],
    "2.x InstallCertificate": ["InstallCertificate", {"certificate": PEM + SECRET}],
    "2.1 VatNumberValidation": ["VatNumberValidation", {"vatNumber": SECRET}],
    "a certificate where none is expected": ["DataTransfer", {"data": PEM + SECRET}],
    "an escaped name": ["Authorize", {"idTag": SECRET}],
}


@pytest.mark.parametrize("frame", SECRETS.values(), ids=SECRETS)
def test_what_is_secret_is_not_in_the_log(frame):
    text = json.dumps([2, "1", *frame])
    clean = redacted(text)
    assert SECRET not in clean
    assert HIDDEN in clean
    assert json.loads(clean)[:2] == [2, "1"]


def test_an_escaped_name_is_the_same_name():
    assert SECRET not in redacted('[2,"1","Authorize",{"id\\u0054ag":"' + SECRET + '"}]')


@pytest.mark.parametrize(
    "text",
    [
        '[2,"1","Heartbeat",{}]',
        '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"sampledValue":[{"value":"12"}]}]}]',
        '[3,"1",{"status":"Accepted"}]',
    ],
)
def test_what_hides_nothing_is_logged_as_it_was_said(text):
    assert redacted(text) == text


def test_the_variable_itself_and_other_values_can_be_read():
    said = [{"configurationKey": [{"key": "HeartbeatInterval", "value": "300"}, {"key": "AuthorizationKey"}]}]
    assert json.loads(redacted(json.dumps([3, "1", *said]))) == [3, "1", *said]


def test_the_end_of_a_long_token_tells_two_apart():
    assert '"***99"' in redacted('[2,"1","Authorize",{"idTag":"0011223399"}]')
    assert '"***"' in redacted('[2,"1","Authorize",{"idTag":"0099"}]')


@given(frame=st.lists(JSON, max_size=4))
def test_any_frame_can_be_redacted_and_keeps_its_length(frame):
    clean = redacted(json.dumps(frame))
    assert len(json.loads(clean)) == len(frame)


@given(text=st.text(max_size=60))
def test_no_text_breaks_the_log(text):
    assert isinstance(redacted(text), str)
    assert head_of(text).kind in FrameKind


def test_a_frame_that_is_no_json_is_not_quoted_where_it_may_hide_a_secret():
    assert SECRET not in redacted(f'[2,"1","Authorize",{{"idTag":"{SECRET}"')


def test_a_frame_of_any_depth_is_survived():
    assert isinstance(redacted("[" * 100_000 + '"token"' + "]" * 100_000), str)


def test_a_payload_alone_is_redacted_alike():
    assert redacted_document("Authorize", {"idTag": SECRET}) == {"idTag": f"{HIDDEN}{SECRET[-2:]}"}
    assert redacted_document("NotifyCustomerInformation", {"data": "Anna"}) == {"data": HIDDEN}
