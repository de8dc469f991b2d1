-- hazard: rename-enum:mood
ALTER TYPE "public"."mood" RENAME TO "feeling";

-- hazard: rename-table:old
ALTER TABLE "public"."old" RENAME TO "new";

-- hazard: rename-column:new.a
ALTER TABLE "public"."new" RENAME COLUMN "a" TO "b";

GRANT INSERT ON TABLE "public"."new" TO "pg_monitor";
