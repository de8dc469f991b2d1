-- hazard: rename-sequence:s
ALTER SEQUENCE "public"."s" RENAME TO "S'1";
