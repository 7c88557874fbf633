"""The commands of ``gridpilot``, one a file; each imports what it needs only when it runs."""
