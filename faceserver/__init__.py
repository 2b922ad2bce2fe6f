"""A self-hosted face search server: register faces from photographs, find them in others."""

__version__ = "0.2.0"
