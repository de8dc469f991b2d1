create table t (id int primary key, owner text, a int);
create policy p on t using (a > 0);
