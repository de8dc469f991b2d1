insert into p values (1, '2026-01-05', 'a'), (2, '2026-01-06', null);
