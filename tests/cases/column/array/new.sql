create table t (a bigint[] not null default '{}');
