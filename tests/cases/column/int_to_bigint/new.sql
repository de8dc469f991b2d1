create table t (a bigint default 5);
