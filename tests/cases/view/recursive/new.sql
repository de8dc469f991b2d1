create table t (id int, parent int);
create recursive view v (id, depth) as select id, 0 from t where parent is null union all select t.id, v.depth + 1 from t join v on v.id = t.parent;
