"""Smart charging at the command line: cases as JSON, read into records of :mod:`api.ocpp.smart` and answered."""
