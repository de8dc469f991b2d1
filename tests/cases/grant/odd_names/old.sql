create table "T.$$ %" ("a.b" int generated always as identity);
