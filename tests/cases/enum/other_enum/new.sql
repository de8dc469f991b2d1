create type mood as enum ('sad', 'ok', 'happy');
create type weather as enum ('ok', 'fog');
create table t (m weather default 'ok', check (m <> 'ok'));
