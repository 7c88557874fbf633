"""Plans inside the discrete set: 0 or at least the least pilot, the EVSE's own steps, few switches."""
