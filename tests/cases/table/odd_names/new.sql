create table "select" ("from" int primary key, "Größe" text default 'a''b\c', "😀" int unique);
