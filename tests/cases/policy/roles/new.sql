create table t (id int primary key, owner text, a int);
create policy p on t to pg_monitor, pg_read_all_data using (a > 0);
