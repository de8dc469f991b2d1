create table t (id int primary key, a int, b text);
create statistics s (ndistinct) on a, b from t;
