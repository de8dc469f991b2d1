create table t (a int unique);
alter table t cluster on t_a_key;
