create schema other;
create table other.u (id int constraint t_id check (id > 0));
create table u (id int);
