create domain age as integer constraint grown check (value > 17) constraint alive check (value < 150);
comment on constraint grown on domain age is 'of age';
