"""Neon's SQL over HTTP: the wire as values, the types by OID, the transports, the client."""
