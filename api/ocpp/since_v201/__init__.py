"""What OCPP 2.0.1 and 2.1 write alike; :mod:`api.ocpp.v201` and :mod:`api.ocpp.v21` say what only they write."""
