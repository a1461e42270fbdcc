class Counter {
  static #made = 0;
  static readonly limit: number = 3;
  private _value = 0;
  declare extra: string;
  get value(): number { return this._value; }
  set value(next: number) { this._value = Math.min(next, Counter.limit); }
  static make(): Counter { Counter.#made++; return new Counter(); }
  static get made(): number { return Counter.#made; }
  static { console.log("static block", this.limit); }
}
const counter = Counter.make();
counter.value = 10;
console.log(counter.value, Counter.made, "extra" in counter, Object.keys(counter));
