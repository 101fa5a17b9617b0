/** What to say, and to do, of a login that another platform has on a server that both use; how to hand it over comes after. */
export function takenBy(holder: string): string {
  return `is of OrderPlatform ${holder}, which uses this server as well: give the service another name, or set provisioning to None and make its login yourself. If that platform is gone, hand the login over`;
}
