create table t (a int4range, constraint two exclude using gist (a with &&));
comment on constraint two on t is 'said';
