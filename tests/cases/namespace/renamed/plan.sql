-- hazard: rename-namespace:a
ALTER SCHEMA "a" RENAME TO "b";
