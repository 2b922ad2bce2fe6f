"""Nearest neighbours: exact while they are few, an HNSW graph above that."""
