create schema "order";
create table "order"."My Table" ("a b" int);
create view "order"."from" as select "a b" as "c d" from "order"."My Table";
create view "my ""view""" as select 1 as a from "order"."from";
