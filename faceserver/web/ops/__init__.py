"""For those who operate the server: health and figures."""
