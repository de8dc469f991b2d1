create type "My ""Mood""" as enum ('it''s', 'a\b', '', ' ', '"', 'ü', 'NULL');
create type "user" as enum ('select');
create table t (a int, b "My ""Mood""" default 'it''s', c "user"[]);
