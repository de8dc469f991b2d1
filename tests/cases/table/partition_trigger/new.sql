create table p (id int not null, day date not null, a text, primary key (id, day)) partition by range (day);
create table p1 partition of p default;
create function f() returns trigger language plpgsql as 'begin return new; end';
create trigger g after insert on p for each row execute function f();
