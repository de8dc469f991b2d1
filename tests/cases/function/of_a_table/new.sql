create table t (id int primary key, a int, b text);
create function g() returns setof t language sql stable as 'select * from t';
create function h() returns bigint language sql stable begin atomic select count(*) from t; end;
