-- hazard: revoke:"enum mood".pg_monitor
REVOKE USAGE ON TYPE "public"."mood" FROM "pg_monitor";

GRANT USAGE ON TYPE "public"."d" TO "pg_monitor" WITH GRANT OPTION;

-- hazard: revoke:"domain d".public
REVOKE USAGE ON TYPE "public"."d" FROM PUBLIC;

-- hazard: revoke:"enum mood".public
REVOKE USAGE ON TYPE "public"."mood" FROM PUBLIC;

-- hazard: revoke:"composite-type pair".public
REVOKE USAGE ON TYPE "public"."pair" FROM PUBLIC;
