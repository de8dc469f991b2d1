create schema a;
create table a.t (id serial primary key);
