create table t (a int constraint positive check (a > 0));
comment on constraint positive on t is 'no debts';
