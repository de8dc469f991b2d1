create table t (id int primary key, a int, b text);
create function h() returns bigint language sql stable begin atomic select count(b) from t; end;
