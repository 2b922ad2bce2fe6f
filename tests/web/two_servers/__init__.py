"""Two servers are one: whatever a route of one writes, the other tells at once."""
