import type { Readable } from "node:stream";
import { type Writable, pipeline } from "node:stream";
export type { Readable };
export interface Nothing {}
declare module "nowhere" { export const x: number; }
declare global { interface Array<T> { missing(): T } }
declare function absent(): void;
type A = typeof pipeline; type B = Awaited<ReturnType<typeof fetch>>;
const unused: Writable | undefined = undefined;
console.log(typeof pipeline, typeof absent, unused);
