create table t (id serial, x int);
