create table t (id int, a int4range, b int);
