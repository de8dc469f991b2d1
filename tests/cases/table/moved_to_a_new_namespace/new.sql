create schema b;
create table b.t (id serial primary key);
