-- hazard: rewrite:t
ALTER TABLE "public"."t" SET UNLOGGED;
