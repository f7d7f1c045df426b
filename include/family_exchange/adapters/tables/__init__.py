"""Every table of a council's database, a module a room; migrations are compared with these pages.

Queries are written as SQL beside the door that asks them; these modules are read by Alembic and by its tests only.
Staging tables are not here: they are made from the contracts (`adapters.staging`). Views are in the migrations.
"""

from family_exchange.adapters.tables import audit, exchange, memory, register, returns, rights
from family_exchange.adapters.tables.base import SCHEMAS, metadata

__all__ = ["SCHEMAS", "audit", "exchange", "memory", "metadata", "register", "returns", "rights"]
