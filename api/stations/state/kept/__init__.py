"""Documents of the database."""
