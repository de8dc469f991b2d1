create function good(y text) returns boolean language sql immutable as 'select length(y) > 1';
create function usual(z text) returns text language sql immutable as 'select z';
create domain word as text default usual('none') constraint good check (good(value)) constraint kept check (value <> 'x');
comment on constraint good on domain word is 'long enough';
create table notes (title word);
