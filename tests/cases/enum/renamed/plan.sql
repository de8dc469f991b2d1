-- hazard: rename-enum:mood
ALTER TYPE "public"."mood" RENAME TO "feeling";
