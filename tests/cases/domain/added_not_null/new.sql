create domain d as int not null;
create domain e as int not null default 7;
create domain f as e;
create table t (id int, a d, b f, c d default 3);
