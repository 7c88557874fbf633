"""What outlives a restart: sites, plans, the outbox, stations, transactions and meter values.

The engine is synchronous and is called from threads. A plan takes a thread anyway, SQLite has one writer
whatever the driver, and a synchronous session is the one that everybody can read.
"""
