create schema "order";
create table "order"."My Table" ("a b" int);
