create schema "order";
create type "order".mood as enum ('a', 'b');
create table t (m "order".mood default 'a');
