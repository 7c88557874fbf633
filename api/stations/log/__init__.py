"""The message log: what went between stations and us, readable by an operator, without what must stay secret."""
