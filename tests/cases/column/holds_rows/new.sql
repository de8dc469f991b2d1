create table zones (id bigint);
create table areas (name text, zone zones, others zones[]);
