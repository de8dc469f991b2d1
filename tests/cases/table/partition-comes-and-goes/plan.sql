-- hazard: detach:second
ALTER TABLE "public"."notes" DETACH PARTITION "public"."second";

ALTER TABLE "public"."second" RENAME CONSTRAINT "notes_id_check" TO "second_id_check";

ALTER INDEX "public"."second_day_idx" RENAME TO "second_by_day";

-- asks: drop-foreign-key:second.notes_author_fkey
ALTER TABLE "public"."second" DROP CONSTRAINT "notes_author_fkey";

-- hazard: add-check:first.notes_id_check
ALTER TABLE "public"."first" ADD CONSTRAINT "notes_id_check" CHECK ((id > 0));

-- hazard: attach:first
ALTER TABLE "public"."notes" ATTACH PARTITION "public"."first" FOR VALUES FROM (0) TO (10);
