import { count } from './counter.mjs';

export const area = (radius) => Number((Math.PI * radius ** 2).toFixed(3));
export const early = () => count;
try {
  early();
} catch (error) {
  console.log('in the cycle:', error.message);
}
