CREATE SCHEMA "crypto";

CREATE EXTENSION "pgcrypto" SCHEMA "crypto";
