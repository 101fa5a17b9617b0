import type { JsMsg } from '@nats-io/jetstream';
import { parseEvent, type PlatformEvent } from '@orderplane/contracts/events.ts';

/** An event, or why the message is none that is known here. */
export type Decoded = PlatformEvent | { readonly fault: string };

export function decode(message: JsMsg): Decoded {
  try {
    const parsed = parseEvent(message.json());
    if (!parsed.success) return { fault: `it is not an event that is known here: ${parsed.error.issues[0]?.message}` };
    return parsed.data.type === message.subject ? parsed.data : { fault: 'its type is not its topic' };
  } catch {
    return { fault: 'it is not JSON' };
  }
}
