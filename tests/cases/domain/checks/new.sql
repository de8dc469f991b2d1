create domain d as int constraint a check (value > 1) constraint c check (value < 9);
create table t (b d);
