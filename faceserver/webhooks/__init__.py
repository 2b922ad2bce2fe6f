"""Webhooks: events are sent to the addresses of those who want to hear of them."""
