type Greeting<T extends string> = `hello ${T}`;
const greet = <T extends string>(name: T): Greeting<T> => `hello ${name}`;
const tag = (parts: TemplateStringsArray, ...values: unknown[]): string => parts.raw.join("|") + values.length;
console.log(greet("you"), tag`a${1}\n${2}c`, `${`nested ${"deep"}`}`);
type Unwrapped<T> = T extends Promise<infer U> ? Unwrapped<U> : T;
const value: Unwrapped<Promise<Promise<number>>> = 5;
console.log(value);
