"""Commands to stations over HTTP: at once, or queued until the station is back."""
