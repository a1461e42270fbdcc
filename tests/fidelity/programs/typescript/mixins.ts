type Constructor<T = object> = new (...args: any[]) => T;
function Named<B extends Constructor>(Base: B) { return class extends Base { label = "named"; }; }
function Timed<B extends Constructor<{ label: string }>>(Base: B) { return class extends Base { when(): string { return `${this.label}@1`; } }; }
class Plain { constructor(readonly id = 1) {} }
const Both = Timed(Named(Plain));
const it = new Both(5);
console.log(it.when(), it.id, it instanceof Plain);
