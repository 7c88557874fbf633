"""Forecasts as tables, pictures and pages."""
