create table t (id int primary key, a bigint, b text);
create statistics s on a, b from t;
