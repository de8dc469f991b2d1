-- hazard: rename-composite-type:c
ALTER TYPE "public"."c" RENAME TO "e";
