-- hazard: rename-enum:mood
ALTER TYPE "public"."mood" RENAME TO "feeling";

-- hazard: rename-enum-value:mood.sad
ALTER TYPE "public"."feeling" RENAME VALUE 'sad' TO 'sorry';

-- hazard: add-enum-value:feeling.elated
ALTER TYPE "public"."feeling" ADD VALUE 'elated' AFTER 'ok';
