"""The application behind the OCPP gateway: what stations tell is kept, planned with, and answered with profiles."""
