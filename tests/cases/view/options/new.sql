create table t (id int primary key, a int, b text);
create view v with (security_barrier = true, check_option = local) as select id, a from t where a > 0;
