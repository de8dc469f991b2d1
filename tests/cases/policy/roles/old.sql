create table t (id int primary key, owner text, a int);
create policy p on t to public using (a > 0);
