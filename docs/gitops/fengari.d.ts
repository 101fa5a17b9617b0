/** The part of fengari that the test uses; the package has no types of its own. */
declare module 'fengari' {
  type State = object;
  export const lauxlib: { luaL_newstate(): State; luaL_dostring(state: State, code: Uint8Array): number };
  export const lualib: { luaL_openlibs(state: State): void };
  export const lua: { lua_tojsstring(state: State, index: number): string };
  export function to_luastring(text: string): Uint8Array;
}
