create type feeling as enum ('sorry', 'ok', 'elated', 'happy');
create table t (m feeling);
