create table t (id int primary key, a int, b text);
create table log (id int);
create rule r as on insert to t where new.a > 0 do also insert into log values (new.id);
