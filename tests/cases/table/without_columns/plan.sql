CREATE TABLE "public"."t" ();
