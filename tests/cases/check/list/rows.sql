insert into t values (1, 1, 'x', now()), (2, null, null, null);
