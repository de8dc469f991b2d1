create table t (id int primary key, a int, b text);
create view v as select t.id, u.a from t, (select 1 as a) u;
comment on view v is 'both';
