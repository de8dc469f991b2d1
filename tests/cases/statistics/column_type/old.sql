create table t (id int primary key, a int, b text);
create statistics s on a, b from t;
