ALTER POLICY "theirs" ON "public"."docs" RENAME TO "mine";

DROP POLICY "mine" ON "public"."docs";

-- hazard: rewrite:docs.owner
ALTER TABLE "public"."docs" ALTER COLUMN "owner" TYPE bigint USING "owner"::bigint;

CREATE POLICY "mine" ON "public"."docs" USING ((owner = 3));
