"""Who may connect, from a real database: keys, their rotation, lowest profiles, certificates."""

import asyncio
import hashlib
from collections import Counter

import pytest
from sqlalchemy import text

from api.ocpp.capabilities import OcppVersion
from api.ocpp.handshake import CertificateSubject, Credentials, SecurityProfile
from api.ocpp.keys import KeyScheme
from api.stations.doors import DoorRules, StationDoors
from models.errors import InvalidInputError
from tests.api.stations.operator import operating

PROFILE = SecurityProfile
COMMON = "a common key of all"


def shown(station, password=None, *, encrypted=False, subject=None):
    return Credentials(station, None if password is None else password.encode(), encrypted, subject)


def certificate(name, organisation="Operator"):
    return CertificateSubject(frozenset({name}), frozenset({organisation}))


class House:
    """Two processes that share a database: one serves, the other is the command line."""

    def __init__(self, database, **rules):
        self.now = 0.0
        self.work: Counter[KeyScheme] = Counter()
        self.doors = StationDoors(database, DoorRules(**rules), self.digest, lambda: self.now)
        self.elsewhere = StationDoors(database, DoorRules(**rules), self.digest, lambda: self.now)

    def digest(self, scheme, salt, password):
        """A digest as different as the schemes are, without their cost, that is stored as the real one is."""
        self.work[scheme] += 1
        if scheme is KeyScheme.RANDOM:
            return hashlib.sha256(salt + password).digest()
        return hashlib.scrypt(password, salt=salt, n=2**14, r=8, p=1, dklen=32)

    async def lets_in(self, *arguments, **named):
        self.now += 2.0  # what another process has changed is seen after a second
        return await self.doors.authenticate(shown(*arguments, **named))


def in_house(database, scenario, **rules):
    asyncio.run(scenario(House(database, **rules)))


def test_a_station_with_a_key_of_its_own_shows_it_and_no_other(database):
    async def scenario(house):
        key = await house.elsewhere.set_key("CS1")
        assert await house.lets_in("CS1", key)
        for station, password in (("CS1", key + "x"), ("CS1", None), ("CS1", COMMON), ("CS2", key)):
            assert not await house.lets_in(station, password)
        assert await house.lets_in("CS2", COMMON)

    in_house(database, scenario, common_key=COMMON)


def test_no_key_is_stored(database):
    async def scenario(house):
        keys = [await house.doors.set_key("CS1"), await house.doors.set_key("CS1", "chosen by people 1")]
        with database.engine.connect() as connection:
            rows = connection.execute(text("select * from station_doors")).all()
        dump = repr(rows)
        for key in keys:
            assert key not in dump
            assert repr(bytes.fromhex(key) if key == keys[0] else key.encode())[2:-1] not in dump

    in_house(database, scenario)


def test_a00_2_1_an_old_key_is_valid_until_its_station_has_connected_with_the_new_one(database):
    async def scenario(house):
        old = await house.elsewhere.set_key("CS1")
        lost = await house.elsewhere.set_key("CS1")
        new = await house.elsewhere.set_key("CS1", "chosen by people 2")
        assert await house.lets_in("CS1", old)
        assert not await house.lets_in("CS1", lost)
        assert await house.lets_in("CS1", old)  # it has not taken the new one yet
        assert await house.lets_in("CS1", new)
        assert not await house.lets_in("CS1", old)
        again = StationDoors(database, DoorRules())  # and a process that starts later knows as well
        assert not await again.authenticate(shown("CS1", old))
        assert await again.authenticate(shown("CS1", new))

    in_house(database, scenario)


def test_a_key_that_was_seen_by_others_is_void_at_once(database):
    async def scenario(house):
        old = await house.elsewhere.set_key("CS1")
        assert await house.lets_in("CS1", old)
        new = await house.elsewhere.set_key("CS1", at_once=True)
        assert not await house.lets_in("CS1", old)
        assert await house.lets_in("CS1", new)

    in_house(database, scenario)


@pytest.mark.parametrize("chosen", [False, True], ids=["random keys", "a chosen key somewhere"])
def test_unknown_station_and_wrong_key_cost_the_same_work(database, chosen):
    async def scenario(house):
        await house.doors.set_key("random")
        await house.doors.set_key("rotating")
        await house.doors.set_key("rotating")
        if chosen:
            await house.doors.set_key("chosen", "chosen by people 3")
        work = set()
        for station in ("random", "rotating", "chosen", "unknown", "certified"):
            house.work.clear()
            assert not await house.lets_in(station, "guess")
            work.add(tuple(sorted(house.work.items())))
        assert len(work) == 1

    in_house(database, scenario)


def test_ten_thousand_stations_with_our_keys_cost_no_costly_hash_and_no_look_into_the_database(database):
    async def scenario(house):
        keys = {f"CS{i}": await house.doors.set_key(f"CS{i}") for i in range(20)}
        await house.doors.set_key("chosen", "chosen by people 4")
        reads = []
        read = house.doors._changed

        def count():
            reads.append(1)
            return read()

        house.doors._changed = count
        house.work.clear()
        house.now += 2.0
        for _ in range(10):
            for station, key in keys.items():
                assert await house.doors.authenticate(shown(station, key))
        assert set(house.work) == {KeyScheme.RANDOM}
        assert len(reads) == 1

    in_house(database, scenario)


def test_a00_fr_005_a_profile_that_was_used_is_never_lowered(database):
    async def scenario(house):
        key = await house.doors.set_key("CS1")
        assert await house.lets_in("CS1", key)
        assert await house.lets_in("CS1", key, encrypted=True)
        assert not await house.lets_in("CS1", key)
        assert await house.lets_in("CS1", key, encrypted=True, subject=certificate("CS1"))
        assert not await house.lets_in("CS1", key, encrypted=True)
        await house.elsewhere.set_profile("CS1", PROFILE.BASIC)  # people at this machine may
        assert await house.lets_in("CS1", key)

    in_house(database, scenario)


def test_a00_fr_002_each_station_and_all_of_them_have_a_lowest_profile(database):
    async def scenario(house):
        key = await house.doors.set_key("CS1")
        await house.doors.set_profile("CS1", PROFILE.TLS_CERTIFICATE)
        assert not await house.lets_in("CS1", key, encrypted=True)
        assert await house.lets_in("CS1", encrypted=True, subject=certificate("CS1"))
        assert not await house.lets_in("CS2", COMMON)
        assert await house.lets_in("CS2", COMMON, encrypted=True)

    in_house(database, scenario, common_key=COMMON, minimum_profile=PROFILE.TLS_BASIC)


def test_a00_fr_404_405_a_certificate_belongs_to_the_station_of_the_url_and_to_the_operator(database):
    async def scenario(house):
        assert await house.lets_in("CS1", encrypted=True, subject=certificate("CS1"))
        assert not await house.lets_in("CS2", encrypted=True, subject=certificate("CS1"))
        assert not await house.lets_in("CS1", encrypted=True, subject=certificate("CS1", "Other"))
        await house.doors.set_certificate_name("CS2", "SN-0002")
        assert await house.lets_in("CS2", encrypted=True, subject=certificate("SN-0002"))
        assert not await house.lets_in("CS2", encrypted=True, subject=certificate("CS2"))

    in_house(database, scenario, organisation="Operator")


def test_a_wrong_certificate_is_not_made_good_by_a_password(database):
    async def scenario(house):
        key = await house.doors.set_key("CS1")
        assert not await house.lets_in("CS1", key, encrypted=True, subject=certificate("CS2"))

    in_house(database, scenario)


def test_without_any_key_nobody_comes_in_unless_profile_0_is_switched_on(database):
    async def scenario(house):
        assert not await house.lets_in("CS1")
        assert not await house.lets_in("CS1", "")

    in_house(database, scenario)

    async def open_scenario(house):
        assert await house.lets_in("CS1")
        assert await house.lets_in("CS1", "whatever it shows")
        assert await house.lets_in("CS1")  # what nobody has proved raises nothing
        key = await house.doors.set_key("CS1")
        assert not await house.lets_in("CS1")
        assert await house.lets_in("CS1", key)
        assert not await house.lets_in("CS1")

    in_house(database, open_scenario, minimum_profile=PROFILE.NONE)


def test_a_station_or_a_key_that_cannot_be_is_refused(database):
    async def scenario(house):
        for station, key in (("", None), ("a/b", None), ("CS1", "short"), ("x" * 49, None)):
            with pytest.raises(InvalidInputError):
                await house.doors.set_key(station, key)

    in_house(database, scenario)


OLD, NEW = "an old key of one", "a new key of one!"


@pytest.mark.parametrize("rules", [{"common_key": OLD}, {}], ids=["from the common key", "from its own"])
def test_a00_2_1_a_key_that_a_command_gives_is_known_before_it_is_used_and_the_old_one_until_then(
    database, rules
):
    async def scenario(house):
        if not rules:
            await house.doors.set_key("CS1", OLD)
        for _ in range(2):  # it may be sent again
            await house.doors.expect_key("CS1", NEW, is_accepted=False)
        assert await house.lets_in("CS1", OLD)  # the station has refused it, or was away
        await house.doors.expect_key("CS1", NEW, is_accepted=True)
        assert await house.lets_in("CS1", NEW)
        assert not await house.lets_in("CS1", OLD)

    in_house(database, scenario, **rules)


def test_a_station_that_showed_nothing_shows_its_key_once_it_has_accepted_it(database):
    async def scenario(house):
        await house.doors.expect_key("CS1", NEW, is_accepted=False)
        assert await house.lets_in("CS1")
        await house.doors.expect_key("CS1", NEW, is_accepted=True)
        assert not await house.lets_in("CS1")
        assert await house.lets_in("CS1", NEW)

    in_house(database, scenario, minimum_profile=PROFILE.NONE)


@pytest.mark.parametrize(
    ("answer", "is_known"), [({"status": "Accepted"}, True), ({"status": "Rejected"}, False)]
)
def test_a_key_that_is_sent_over_http_opens_the_door_once_the_station_has_it(database, answer, is_known):
    async def scenario():
        doors = StationDoors(database, DoorRules(minimum_profile=PROFILE.NONE))
        async with operating(database) as here:
            here.network.connectivity.commands.desk.tell_keys_to(doors)
            async with here.station(OcppVersion.V16, "CS1", ChangeConfiguration=answer):
                command = {"key": "AuthorizationKey", "value": NEW}
                told = await here.post("/v1/stations/CS1/commands/ChangeConfiguration", command)
                assert told.status_code == 200, told.text
        assert await doors.authenticate(shown("CS1", NEW))
        assert await doors.authenticate(shown("CS1")) is not is_known

    asyncio.run(scenario())
