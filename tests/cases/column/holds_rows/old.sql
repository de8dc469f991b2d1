create table zones (id int);
create table areas (name text, zone zones);
