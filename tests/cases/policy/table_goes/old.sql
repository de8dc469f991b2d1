create table t (id int primary key, owner text, a int);
alter table t enable row level security;
create policy p on t using (a > 0);
