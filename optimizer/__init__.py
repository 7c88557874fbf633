"""What to do: pure decisions from models, Pyomo and HiGHS; no network, no database, no clock."""
