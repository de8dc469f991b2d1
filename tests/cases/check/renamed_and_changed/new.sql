create table t (a int constraint two check (a > 0));
comment on constraint two on t is 'said';
