-- What an event's data looks like, what led to it, and of which request it is a part. Rows that are there are of version 1, as are those
-- that the release before still writes.
alter table events
  add column if not exists schema_version int not null default 1,
  add column if not exists causation_id uuid,
  add column if not exists cause jsonb,
  add column if not exists correlation_id text,
  add column if not exists traceparent text;

-- An order's state after `version` events, so that it need not be put together from all of them. Of another `shape` it is worth nothing.
create table if not exists snapshots (
  stream_id uuid primary key,
  version int not null,
  shape int not null,
  state jsonb not null,
  recorded_at timestamptz not null
);

-- Until when an order waits for its next step, at most one a time. `event_id` is the event that began the wait.
create table if not exists deadlines (
  stream_id uuid primary key,
  reason text not null,
  event_id uuid not null,
  due_at timestamptz not null
);
create index if not exists deadlines_due_at on deadlines (due_at);
