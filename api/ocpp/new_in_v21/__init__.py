"""Messages that only OCPP 2.1 knows; :mod:`api.ocpp.v21` puts them together with what 2.0.1 knows as well."""
