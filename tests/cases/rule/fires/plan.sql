ALTER TABLE "public"."notes" DISABLE RULE "a";

ALTER TABLE "public"."notes" ENABLE RULE "b";

CREATE RULE c AS
    ON DELETE TO public.notes DO INSTEAD NOTHING;

ALTER TABLE "public"."notes" ENABLE ALWAYS RULE "c";
