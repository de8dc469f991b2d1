-- hazard: rename-aggregate:"total(integer)"
ALTER AGGREGATE "public"."total"(integer) RENAME TO "sum_of";
