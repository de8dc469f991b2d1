create table t (id int primary key, owner text, a int);
create policy p on t as restrictive using (a > 0);
