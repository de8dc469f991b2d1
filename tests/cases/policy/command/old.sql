create table t (id int primary key, owner text, a int);
create policy p on t for select using (a > 0);
