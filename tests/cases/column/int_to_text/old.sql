create table t (a int default 5, check (a > 0));
create index on t (a) where a > 1;
