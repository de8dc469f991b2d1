create schema other;
create table u (id int) partition by range (id);
create table other.t1 partition of u for values from (0) to (10);
