create schema "order";
create table "order".t (id serial primary key);
