create table t (id bigint primary key, a int, b varchar(9));
create view v as select id, b from t;
create view w as select b from v;
