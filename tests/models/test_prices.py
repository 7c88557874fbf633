"""Tariffs add up by slot; a shown price is exactly the sum of its parts."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.arrays import frozen
from models.prices import EnergyTariff, SlotPrice

MONEY = st.decimals(-10, 10, places=4)


def test_import_is_energy_plus_network():
    tariff = EnergyTariff(frozen([0.1, -0.2]), frozen([0.05, 0.05]))
    assert tariff.import_per_kwh == pytest.approx(np.array([0.15, -0.15]))
    assert not tariff.import_per_kwh.flags.writeable


def test_a_flat_tariff_costs_the_same_in_every_slot():
    assert EnergyTariff.flat(0.3, 3).import_per_kwh.tolist() == [0.3, 0.3, 0.3]


@given(parts=st.lists(MONEY, min_size=5, max_size=5))
def test_a_price_is_exactly_the_sum_of_its_parts(parts):
    assert SlotPrice(*parts).total_per_kwh == sum(parts, Decimal(0))
