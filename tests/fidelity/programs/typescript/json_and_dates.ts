interface Event { at: Date; tags: Set<string>; }
const event: Event = { at: new Date(Date.UTC(2020, 1, 29)), tags: new Set(["a", "b"]) };
const text: string = JSON.stringify(event, (_key: string, value: unknown) => value instanceof Set ? [...value] : value, 1);
console.log(text, (JSON.parse(text) as Event).at);
console.log(event.at.toISOString(), new Intl.NumberFormat("en").format(1234567.891));
