ALTER POLICY "p" ON "public"."t" RENAME TO "p 2";
