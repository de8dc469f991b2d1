-- hazard: move-composite-type:c
ALTER TYPE "public"."c" SET SCHEMA "other";
