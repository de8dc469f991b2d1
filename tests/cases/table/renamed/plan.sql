-- hazard: rename-table:t
ALTER TABLE "public"."t" RENAME TO "u";

ALTER SEQUENCE "public"."t_id_seq" RENAME TO "u_id_seq";

ALTER TABLE "public"."u" RENAME CONSTRAINT "t_pkey" TO "u_pkey";
