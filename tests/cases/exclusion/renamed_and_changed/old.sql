create table t (a int4range, constraint one exclude using gist (a with &&));
