create schema "order";
create type "order"."T" as enum ('x');
create function "order"."my ""f"""(inout d text, "a b" "order"."T" default 'x', out c int) language plpgsql as 'begin c := 1; end';
