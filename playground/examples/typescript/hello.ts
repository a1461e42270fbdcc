const greeting: string = "Hello from a sealed sandbox!";
console.log(greeting);
console.log("TypeScript on Node.js", process.versions.node);
