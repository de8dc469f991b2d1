-- asks: drop-table:t
DROP TABLE "public"."t";

CREATE TABLE "public"."u" ();
