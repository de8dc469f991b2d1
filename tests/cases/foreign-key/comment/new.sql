create table o (a int primary key);
create table t (a int references o);
comment on constraint t_a_fkey on t is 'whose it is';
