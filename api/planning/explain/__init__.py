"""Why a plan is as it is, and what another limit would change, on the wire."""
