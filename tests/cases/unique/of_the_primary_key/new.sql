create table u (a int);
create table t (a int, b int, constraint t_pkey primary key (a));
alter table t add constraint t_a_key unique (a);
alter table t add constraint t_a_again unique (a);
alter table t add constraint t_b_key unique (b);
