create materialized view m as select 1 as a;
comment on materialized view m is 'one';
