create table u (id int);
create table t (id int primary key, owner text, a int);
alter table t enable row level security;
alter table t force row level security;
create policy p on t as restrictive for update to public using (owner = current_user and id in (select u.id from u)) with check (a > 0);
