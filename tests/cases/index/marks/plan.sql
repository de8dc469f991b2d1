DROP INDEX "public"."user_name";

ALTER TABLE "public"."notes" SET WITHOUT CLUSTER;

ALTER TABLE "public"."tags" REPLICA IDENTITY DEFAULT;

ALTER TABLE "public"."notes" CLUSTER ON "by_id";

ALTER TABLE "public"."notes" REPLICA IDENTITY USING INDEX "by_id";

-- hazard: add-index:users.user_name
CREATE INDEX "user_name" ON "public"."users" ((lower(name)));

ALTER TABLE "public"."users" CLUSTER ON "user_name";
