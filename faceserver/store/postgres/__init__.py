"""Faces in PostgreSQL, found by pgvector: one gallery that several servers share."""
