create table stamped (at timestamp not null default now(), constraint later check (at > '2000-01-01'));
create table named (name text);
create table own (at timestamp not null default now(), name text, id int, constraint later check (at > '2000-01-01')) inherits (named);
