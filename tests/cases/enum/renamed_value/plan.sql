-- hazard: rename-enum-value:mood.ok
ALTER TYPE "public"."mood" RENAME VALUE 'ok' TO 'fine';
