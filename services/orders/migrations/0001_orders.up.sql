-- Every order is a stream of events; `version` counts a stream's events from 1 without a gap.
create table if not exists events (
  position bigint generated always as identity primary key,
  stream_id uuid not null,
  version int not null check (version > 0),
  event_id uuid not null,
  type text not null,
  data jsonb not null,
  recorded_at timestamptz not null,
  idempotency_key text,
  constraint events_stream_version unique (stream_id, version),
  constraint events_event_id unique (event_id),
  constraint events_idempotency_key unique (idempotency_key)
);

-- Events on their way to the broker. A row is written with its event and deleted when the broker has stored it.
create table if not exists outbox (
  position bigint generated always as identity primary key,
  event_id uuid not null,
  topic text not null,
  event text not null,
  created_at timestamptz not null default now()
);
