create table t (id int primary key, a int, b text);
grant all on t to current_user;
create function f() returns int language sql return 1;
grant execute on function f() to public;
create table u ();
