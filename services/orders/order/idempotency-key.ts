/**
 * What an append is made for, and made once for: a request with a key of its caller's, or another service's event. Keys of callers have no blanks,
 * so that none of them is a user's other than its own, or an event's.
 */
export function keyOfRequest(key: string, userId: string | undefined): string {
  return userId === undefined ? key : `${userId} ${key}`;
}

export function keyOfEvent(eventId: string): string {
  return `event ${eventId}`;
}
