create type place as (x integer, y integer, z integer);
comment on column place.y is 'down';
comment on column place.z is 'away';
