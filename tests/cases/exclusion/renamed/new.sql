create table t (id int, a int4range, b int, constraint y exclude using gist (a with &&));
