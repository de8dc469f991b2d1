create table p (id int not null, day date not null, a varchar(9), b int default 7, primary key (id, day), check (b > 0)) partition by range (day);
create table p1 partition of p default;
