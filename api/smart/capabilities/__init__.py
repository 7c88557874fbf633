"""What a station can do, as JSON, and requests that are checked against it."""
