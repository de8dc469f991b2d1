create type feeling as enum ('sad', 'ok', 'happy');
create table t (id int not null, m feeling default 'ok', many feeling[], check (m <> 'sad'));
