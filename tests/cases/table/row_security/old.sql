create table t (id int primary key, owner text, a int);
alter table t enable row level security;
alter table t force row level security;
