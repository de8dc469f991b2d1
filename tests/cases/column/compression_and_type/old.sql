create table t (a varchar(9) compression pglz, b text compression pglz, c text);
alter table t alter c set storage external;
