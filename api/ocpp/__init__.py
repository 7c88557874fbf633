"""OCPP: charging profiles, a protocol core without sockets, and the gateway that stations connect to.

The package knows stations, transactions and profiles; it knows no planning, no tariff and no table.
"""
