/** The code of an audio worklet; see vite.plugins.ts. */
declare module "*?worklet" {
  const code: string;
  export default code;
}
