-- hazard: revoke:t.current_user
REVOKE ALL ON TABLE "public"."t" FROM CURRENT_USER;

GRANT SELECT ON TABLE "public"."t" TO CURRENT_USER WITH GRANT OPTION;
