create table t (a int constraint two primary key);
comment on constraint two on t is 'said';
