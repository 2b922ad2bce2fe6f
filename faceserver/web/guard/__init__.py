"""What each request passes before a route sees it."""
