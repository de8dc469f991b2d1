create sequence s;
create sequence u as integer;
