create sequence apart increment by -1 minvalue -1000 maxvalue -10;
create sequence ahead;
select setval('ahead', 3);
create sequence spent;
select setval('spent', 500);
create sequence kept;
select setval('kept', 50);
create sequence narrow;
