create table t (id int primary key, owner text, a bigint);
create policy p on t using (a > 0);
