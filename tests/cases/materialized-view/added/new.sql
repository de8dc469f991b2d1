create table t (id int primary key, a int, b text);
create materialized view m as select id, b from t where a > 0;
create unique index i on m (id);
create index j on m (lower(b));
