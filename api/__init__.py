"""Who to tell: the web API, the charging stations, storage and the movement of money."""
