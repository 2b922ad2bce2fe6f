"""Where faces are kept and found again."""
