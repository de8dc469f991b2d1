create table t (a int constraint two unique);
comment on constraint two on t is 'said';
