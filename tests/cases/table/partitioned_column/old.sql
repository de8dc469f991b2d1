create table p (id int not null, day date not null, a text, primary key (id, day)) partition by range (day);
create table p1 partition of p default;
