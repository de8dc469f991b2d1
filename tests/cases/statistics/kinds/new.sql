create table t (id int primary key, a int, b text);
create statistics s (ndistinct, mcv) on a, lower(b) from t;
