create table t (id text primary key);
create table u (t_id text references t);
