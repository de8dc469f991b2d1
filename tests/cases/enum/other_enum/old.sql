create type mood as enum ('sad', 'ok', 'happy');
create type weather as enum ('ok', 'fog');
create table t (m mood default 'ok', check (m <> 'ok'));
