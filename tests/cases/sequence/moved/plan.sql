-- hazard: move-sequence:s
ALTER SEQUENCE "public"."s" SET SCHEMA "other";
