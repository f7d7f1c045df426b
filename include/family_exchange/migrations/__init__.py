"""Alembic migrations of a council's database."""
