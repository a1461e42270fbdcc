import { area } from './shapes.mjs';

export let count = 0;
export function bump() {
  count += area(1) > 3 ? 10 : 1;
}
export default class Counter {}
console.log('counter evaluated');
