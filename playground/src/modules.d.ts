declare module "playground:examples" {
  /** One of the programs that the page offers. */
  export interface Example {
    id: string;
    title: string;
    code: string;
    stdin?: string;
    interactive?: boolean;
    args?: string;
    artifacts?: string;
    limits?: Record<string, string>;
  }
  /** By language, what fetches its examples. */
  const examples: Record<string, () => Promise<Example[]>>;
  export default examples;
}

declare module "@xterm/headless/lib-headless/xterm-headless.mjs" {
  export { type IBufferCell, Terminal } from "@xterm/headless";
}
