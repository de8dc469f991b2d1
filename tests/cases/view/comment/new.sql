create view v as select 1 as a;
comment on view v is 'one';
