/**
 * One value for the whole process. Next.js may load a module once for each page that uses it: what has to be shared, as
 * a flight that must be the only one, cannot be the module's own.
 */
export function processWide<T>(name: string, make: () => T): T {
  const all = globalThis as unknown as Record<symbol, T | undefined>;
  return (all[Symbol.for(`orderplane.storefront.${name}`)] ??= make());
}
