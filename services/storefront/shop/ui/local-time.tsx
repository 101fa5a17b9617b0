'use client';
import { useSyncExternalStore } from 'react';

/** The server does not know the visitor's time zone: it leaves the place empty, the browser fills it. */
export function LocalTime({ iso }: { iso: string }) {
  const inBrowser = useSyncExternalStore(
    subscribeToNothing,
    () => true,
    () => false,
  );
  const time = new Date(iso);
  if (!inBrowser || Number.isNaN(time.getTime())) return <time dateTime={iso} />;
  const today = time.toDateString() === new Date().toDateString();
  const text = today
    ? time.toLocaleTimeString()
    : time.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  return <time dateTime={iso}>{text}</time>;
}

const subscribeToNothing = () => () => undefined;
