-- hazard: rename-enum:mood
ALTER TYPE "public"."mood" RENAME TO "feeling";

-- hazard: rename-enum-value:mood.sad
ALTER TYPE "public"."feeling" RENAME VALUE 'sad' TO 'sorry';

DROP VIEW "public"."w";

CREATE VIEW "public"."w" AS
SELECT 'ok'::public.feeling AS feeling;
