-- hazard: rename-foreign-key:u.one
ALTER TABLE "public"."u" RENAME CONSTRAINT "one" TO "two";

ALTER TABLE "public"."u" ALTER CONSTRAINT "two" DEFERRABLE INITIALLY DEFERRED;
