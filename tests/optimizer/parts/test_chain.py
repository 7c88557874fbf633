"""The links of a chain follow the horizon around its ring."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.arrays import frozen
from optimizer.scheduling.parts.chain import Links, at_places, from_now, link, stored_after


def matrix_of(goes_on, ring):
    """Coefficients of stored energy by (chain, row, column), at ring places, stated anew."""
    placed, n_slots = at_places(goes_on, ring), ring.size
    out = np.zeros((goes_on.shape[0], n_slots, n_slots))
    stored = {(chain, t): (chain, t) for chain in range(goes_on.shape[0]) for t in range(n_slots)}
    for chain, t in stored:
        for weight, (_, column) in link(stored, chain, t, n_slots, goes_on=bool(placed[chain, t])):
            out[chain, t, column] += weight
    return out


@st.composite
def link_walks(draw):
    """Chains that begin anywhere, over some horizons that each begin later."""
    n_chains, n_slots = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    first, walk = draw(st.integers(0, 20)), []
    for _ in range(draw(st.integers(1, 5))):
        drawn = draw(st.lists(st.booleans(), min_size=n_chains * n_slots, max_size=n_chains * n_slots))
        goes_on = np.array(drawn).reshape(n_chains, n_slots) & from_now(n_chains, n_slots)
        walk.append((np.arange(first, first + n_slots) % n_slots, goes_on))
        first += draw(st.integers(0, 7))
    return walk


@given(walk=link_walks())
def test_links_that_are_moved_are_those_stated_anew(walk):
    ring, goes_on = walk[0]
    n_chains, n_slots = goes_on.shape
    numbers = np.arange(n_chains * n_slots).reshape(n_chains, n_slots)
    links = Links(numbers, numbers, at_places(goes_on, ring))
    matrix = matrix_of(goes_on, ring)
    for ring, goes_on in walk:
        for block in links.move(ring, goes_on):
            for row, column, value in zip(block.row, block.column, block.value, strict=True):
                chain, place = divmod(int(row), n_slots)
                matrix[chain, place, int(column) % n_slots] = value
        assert (matrix == matrix_of(goes_on, ring)).all()


def test_a_tick_moves_two_links_of_a_chain():
    numbers = np.arange(8).reshape(1, 8)
    ring = np.arange(8)
    links = Links(numbers, numbers, at_places(from_now(1, 8), ring))
    moved = list(links.move((ring + 1) % 8, from_now(1, 8)))
    assert [block.row.tolist() for block in moved] == [[0, 1]]
    assert [block.value.tolist() for block in moved] == [[-1.0, 0.0]]


@given(walk=link_walks())
def test_the_chain_written_out_solves_its_rows(walk):
    _, goes_on = walk[0]
    n_slots = goes_on.shape[1]
    rng = np.random.default_rng(n_slots)
    given_kwh, gained_kwh = rng.normal(size=goes_on.shape), rng.normal(size=goes_on.shape)
    stored = stored_after(frozen(given_kwh), goes_on, frozen(gained_kwh))
    rows = np.einsum("crk,ck->cr", matrix_of(goes_on, np.arange(n_slots)), stored)
    assert np.allclose(rows, np.where(goes_on, gained_kwh, gained_kwh + given_kwh))
