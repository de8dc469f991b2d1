-- hazard: rename-policy:t.one
ALTER POLICY "one" ON "public"."t" RENAME TO "two";

ALTER POLICY "two" ON "public"."t" USING ((a > 1));
