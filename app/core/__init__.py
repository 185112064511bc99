"""Ground floor: database, promised work, audit, web guards, money, time, paging. It contains no noun of the domain."""
