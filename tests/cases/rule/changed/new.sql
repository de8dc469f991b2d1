create table t (id int primary key, a int, b text);
create rule r as on update to t do instead nothing;
