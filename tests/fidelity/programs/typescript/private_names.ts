class Vault {
  #code: number; readonly #log: string[] = [];
  constructor(code: number) { this.#code = code; }
  #check(code: number): boolean { this.#log.push(String(code)); return code === this.#code; }
  open(code: number): string { return this.#check(code) ? "open" : `shut after ${this.#log.length}`; }
  static has(value: object): boolean { return #code in value; }
}
const vault = new Vault(7);
console.log(vault.open(1), vault.open(7), Vault.has(vault), Vault.has({}), Object.keys(vault));
