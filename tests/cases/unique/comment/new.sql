create table t (a int unique);
comment on constraint t_a_key on t is 'one each';
