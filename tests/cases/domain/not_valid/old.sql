create domain d as int;
alter domain d add constraint a check (value > 0) not valid;
