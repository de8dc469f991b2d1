create table orders (id int);
create table zones (id int);
create view zone_names as select id from zones;
create function areas(zone_names) returns setof zones language plpgsql as 'begin end';
create function first(z zones default null) returns int language plpgsql as 'begin end';
