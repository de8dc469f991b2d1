create type place as (x integer, y integer);
comment on column place.x is 'to the right';
