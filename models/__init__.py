"""What is true: types, physics, forecasts, tariffs and reliability; no solver, no web, no database."""
