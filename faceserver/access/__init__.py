"""Who may use the server: API keys, the sessions of browsers, and the log of who did what."""
