create schema "Bill""ing é";
create table "Bill""ing é"."T's table" ("a b" int primary key);
