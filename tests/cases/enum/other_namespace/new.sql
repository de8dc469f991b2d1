create schema "order";
create type "order".mood as enum ('b', 'a');
create table t (m "order".mood default 'a');
