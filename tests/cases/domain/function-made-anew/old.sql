create function good(x text) returns boolean language sql immutable as 'select length(x) > 1';
create function usual(x text) returns text language sql immutable as 'select x';
create domain word as text default usual('none') constraint good check (good(value)) constraint kept check (value <> 'x');
comment on constraint good on domain word is 'long enough';
create table notes (title word);
insert into notes values ('one');
