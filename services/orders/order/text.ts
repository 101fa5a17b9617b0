const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
// Control characters, of which Postgres stores not all, and halves of characters, which are no UTF-8.
const NOT_TEXT = /[\p{Cc}\p{Cs}]/u;

export function isUuid(value: string): boolean {
  return UUID.test(value);
}

/** Whether it is characters that people write and every store takes. */
export function isText(value: string): boolean {
  return !NOT_TEXT.test(value);
}
