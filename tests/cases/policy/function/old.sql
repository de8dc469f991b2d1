create function f() returns boolean language sql as 'select true';
create table t (id int primary key, owner text, a int);
create policy p on t using (f());
