drop table if exists deadlines;
drop table if exists snapshots;
alter table events
  drop column if exists traceparent,
  drop column if exists correlation_id,
  drop column if exists cause,
  drop column if exists causation_id,
  drop column if exists schema_version;
