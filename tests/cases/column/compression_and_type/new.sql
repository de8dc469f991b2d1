create table t (a text compression pglz, b text compression pglz collate "C", c text collate "C");
alter table t alter c set storage external;
