"""Revisions of the tables, applied by Alembic when the service starts."""
