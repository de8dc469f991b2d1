create sequence apart;
create sequence ahead minvalue 5;
create sequence spent maxvalue 100 cycle;
create sequence kept minvalue 10 maxvalue 100;
create sequence narrow as smallint;
