create table t (id int primary key, a int, b text);
create rule r as on update to t where new.a > old.a do instead nothing;
