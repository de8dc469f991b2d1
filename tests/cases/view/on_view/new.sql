create table t (id int primary key, a int, b text);
create view v as select a, id, b from t;
create view w as select id from v;
create view x as select v.id from v join w using (id);
