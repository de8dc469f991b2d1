create materialized view m with (fillfactor = 70) as select 1 as a;
