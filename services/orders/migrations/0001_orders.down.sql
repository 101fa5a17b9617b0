drop table if exists outbox;
drop table if exists events;
