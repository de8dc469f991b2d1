CREATE VIEW "order"."from" AS
SELECT "My Table"."a b" AS "c d"
   FROM "order"."My Table";

CREATE VIEW "public"."my ""view""" AS
SELECT 1 AS a
   FROM "order"."from";
