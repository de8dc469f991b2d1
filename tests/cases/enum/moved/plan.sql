-- hazard: move-enum:mood
ALTER TYPE "public"."mood" SET SCHEMA "other";
