"""The cluster engine on real servers: a PostgreSQL, and an object store."""
